# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What share of a processor the metrics' collector takes at its default interval.

The collector is laid down as the role does it and run by the system's Python, run after run; its processor time, the
probe's included, is the kernel's own account of the ended processes. The warp test, made once a boot and then daily, is
counted by a run of its own. What systemd takes to start a service is not in it (on a machine with systemd
`systemctl show -P CPUUsageNSec cloudclock-metrics.service` has the service's own account).
"""
from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE / '.collections'))

from ansible_collections.cloudclock.linux.plugins.module_utils._metrics import _parts
from ansible_collections.cloudclock.linux.plugins.plugin_utils import _compilers

TARGET = 0.1  # percent of one processor
DAY = 86400


def lay(folder: Path, defaults: dict) -> Path:
    home = folder / 'cloudclock' / 'collector'
    for path, data in _parts.sources().items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_bytes(data)
    machine = os.uname().machine
    program = _compilers.build(_compilers.compilers(machine)[0], machine, _compilers.source_files(), time.monotonic() + 240)
    (home.parent / 'clockprobe').write_bytes(program)
    (home.parent / 'clockprobe').chmod(0o755)
    (home.parent / 'clockprobe.sha256').write_text(hashlib.sha256(program).hexdigest())
    for name in ('text', 'state'):
        (folder / name).mkdir()
    (home / 'options.json').write_text(json.dumps({
        'directory': str(folder / 'text'), 'state': str(folder / 'state' / 'state.json'), 'policy': [],
        **{name: defaults['clock_metrics_' + name] for name in ('interval', 'budget_ms', 'warp_budget_ms')}}))
    return home


def run(python: str, home: Path) -> tuple[float, float]:
    """Seconds of a processor, and of the clock."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([python, '-I', '-S', '-B', home], check=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.monotonic() - start)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=20)
    parser.add_argument('--python', default='/usr/bin/python3', help="the target's Python")
    options = parser.parse_args()
    defaults = yaml.safe_load((HERE / 'roles' / 'clock_metrics' / 'defaults' / 'main.yml').read_text())
    interval = defaults['clock_metrics_interval']
    with tempfile.TemporaryDirectory() as folder:
        home = lay(Path(folder), defaults)
        subprocess.run([options.python, '-I', '-m', 'compileall', '-q', home / 'parts'], check=True)
        with_warp = run(options.python, home)[0]
        rounds = [run(options.python, home) for _round in range(options.rounds)]
        size = (Path(folder) / 'text' / 'cloudclock.prom').stat().st_size
    cpu = [seconds for seconds, _wall in rounds]
    daily = (DAY / interval - 1) * statistics.fmean(cpu) + with_warp
    percent = 100 * daily / DAY
    print(f'{options.rounds} runs, ms of a processor: median {1000 * statistics.median(cpu):.0f}, mean '
          f'{1000 * statistics.fmean(cpu):.0f}, most {1000 * max(cpu):.0f}; wall {1000 * statistics.median(w for _c, w in rounds):.0f}; '
          f'with the warp test {1000 * with_warp:.0f}; {size} bytes')
    print(f'every {interval} s and one warp test a day: {percent:.4f} % of a processor; at most {TARGET} %: '
          f'{"met" if percent < TARGET else "MISSED"}')
    return 0 if percent < TARGET else 1


if __name__ == '__main__':
    sys.exit(main())
