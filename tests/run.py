# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the parts of the test suite, two at a time: `python tests/run.py check | test | all | PART…`.

A part is a command with a time limit. What it prints goes to .cache/logs/PART.log; of a part that fails its last
failed task and the end are shown. The closing lines are a table with each part's time and its own last words, and a count.
"""
from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
LOGS = HERE / '.cache' / 'logs'
SLOTS = int(os.environ.get('TEST_JOBS', '2'))
SHOWN_LINES = 30
# No run may take longer than this, whatever the sum of its parts' limits.
WHOLE = 80 * 60
# A Xen guest in an emulated machine died twice of this, seemingly of an interrupt that was delivered twice: it says nothing
# about the collection, so its scenario is run once more, and the table says so.
EMULATOR_FAULT = 'ENTRY_TRAMPOLINE stack guard page'
# fatal: [lab-payers]: FAILED! => {"assertion": …
# failed: [lab-payers] (item=raw) => {…
FAILED_TASK = re.compile(r'\b(?:fatal|failed): \[')
NOT_RUN = re.compile(r'^(?:not run: |SKIPPED ).*', re.MULTILINE)


class Part:
    """A named command. seconds: its time limit; after: a command that tidies up when the limit ended it."""

    def __init__(self, name: str, command: str, seconds: int, after: str = '') -> None:
        self.name, self.command, self.limit, self.after = name, command, seconds, after
        self.log = LOGS / f'{name}.log'
        self.seconds = 0.0
        self.again = ''
        self.outcome = 'not started'
        self.process: subprocess.Popen | None = None

    def text(self) -> str:
        return self.log.read_text(errors='replace') if self.log.exists() else ''

    def last_words(self) -> str:
        lines = [line.strip(' =') for line in re.sub(r'\x1b\[[0-9;]*m', '', self.text()).splitlines() if line.strip(' =')]
        return self.again + lines[-1][:90] if lines else self.again

    def excerpt(self) -> list[str]:
        """The last task that failed, where a play did, and the end of the log."""
        lines = re.sub(r'\x1b\[[0-9;]*m', '', self.text()).splitlines()
        failed = [number for number, line in enumerate(lines)
                  if FAILED_TASK.search(line) and 'ignoring' not in ''.join(lines[number:number + 20])]
        told = lines[max(0, failed[-1] - 8):failed[-1] + 25] + ['…'] if failed else []
        return told + lines[-SHOWN_LINES:]

    def run(self) -> None:
        start = time.monotonic()
        self.attempt()
        if self.outcome != 'passed' and EMULATOR_FAULT in self.text():
            self.log.rename(self.log.with_suffix('.first.log'))
            self.again = "second try, the emulator's guest had died: "
            self.attempt()
        self.seconds = time.monotonic() - start

    def attempt(self) -> None:
        plain = dict(os.environ, PATH=f'{Path(sys.executable).parent}:{os.environ["PATH"]}', NO_COLOR='1', ANSIBLE_NOCOLOR='1',
                     PYTHONDONTWRITEBYTECODE='1')
        with self.log.open('wb') as log:
            with subprocess.Popen(self.command, shell=True, cwd=HERE, env=plain, stdin=subprocess.DEVNULL,
                                  stdout=log, stderr=subprocess.STDOUT, start_new_session=True) as self.process:
                try:
                    self.outcome = 'passed' if self.process.wait(self.limit) == 0 else 'FAILED'
                except subprocess.TimeoutExpired:
                    self.outcome = f'FAILED: not done in {self.limit} s'
                    self.end()
        if self.after and self.outcome != 'passed':
            with self.log.open('ab') as log:
                subprocess.run(self.after, shell=True, cwd=HERE, stdin=subprocess.DEVNULL, stdout=log,
                               stderr=subprocess.STDOUT, timeout=120, check=False)

    def end(self) -> None:
        """End the command and what it started, if it runs."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            if self.process is None or self.process.poll() is not None:
                return
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(10)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


PY = shlex.quote(sys.executable)

CHECK = [
    Part('sanity', f'{PY} tests/tools/ansible_test.py sanity', 900),
    Part('lint', 'ansible-lint --offline && yamllint --strict .'
                 ' && git ls-files -z "*.sh" .ci/run | xargs -0 shellcheck && echo clean', 300),
    Part('python-3.6', 'vermin -t=3.6- --no-tips --violations plugins/modules plugins/module_utils'
         ' && echo nothing newer than Python 3.6', 60),
    Part('unit', f'{PY} -m pytest tests/unit', 600),
    Part('probe', f'{PY} -m pytest tests/probe', 600),
    Part('netns', f'{PY} -m pytest tests/netns', 300),
    Part('collection', f'{PY} -m pytest tests/collection', 300),
]
WITH_PROGRAMS = [
    Part('page', f'tools/browser.sh {PY}; {PY} -m pytest tests/page', 900),
    Part('metrics', f'{PY} -m pytest tests/metrics', 900),
    Part('user-data', f'{PY} -m pytest tests/user_data', 900),
]
MATRICES = [
    Part('targets', f'{PY} tests/matrix/targets.py', 2100),
    Part('cores', f'{PY} tests/matrix/cores.py', 1500),
    Part('integration', f'{PY} tests/tools/ansible_test.py integration', 900),
]
# The longest first, here as below: two run at a time, and the last one should not run long alone.
IN_TEST = ['ptp-broken', 'gcp-ptp', 'systemd', 'warp', 'aws-xen', 'hpet', 'user-data', 'broken', 'nic-ptp', 'payers', 'azure',
           'metrics', 'tsc-unstable']


def scenarios(names: list[str]) -> list[Part]:
    return [Part(f'molecule-{name}', f'make --no-print-directory molecule SCENARIO={name}', 1800,
                 after=f'molecule destroy -s {name}') for name in names]


def other_scenarios() -> list[str]:
    """Those that do not fit into `make test`."""
    return sorted({path.parent.name for path in HERE.glob('molecule/*/molecule.yml')} - set(IN_TEST))


def chosen_parts(words: list[str]) -> list[Part]:
    if words == ['check']:
        return CHECK
    if words == ['test']:
        return CHECK + MATRICES + scenarios(IN_TEST) + WITH_PROGRAMS
    if words == ['all']:
        return CHECK + MATRICES + scenarios(IN_TEST + other_scenarios()) + WITH_PROGRAMS
    by_name = {part.name: part for part in CHECK + WITH_PROGRAMS + MATRICES + scenarios(IN_TEST + other_scenarios())}
    by_name['matrix'] = by_name['cores']
    unknown = [word for word in words if word not in by_name]
    if unknown or not words:
        sys.exit(f'no such part: {" ".join(unknown)}; there are check, test, all, {", ".join(by_name)}')
    return [by_name[word] for word in words]


def work(waiting: list[Part], lock: threading.Lock) -> None:
    while True:
        with lock:
            if not waiting:
                return
            part = waiting.pop(0)
            print(f'{part.name} …', flush=True)
        part.run()
        with lock:
            print(f'{part.name}: {part.outcome}, {part.seconds:.0f} s: {part.last_words()}', flush=True)
            if part.outcome != 'passed':
                print(f'--- from {part.log.relative_to(HERE)}', *part.excerpt(), '---', sep='\n', flush=True)


def main() -> int:
    parts = chosen_parts(sys.argv[1:])
    LOGS.mkdir(parents=True, exist_ok=True)
    for part in parts:
        part.log.unlink(missing_ok=True)
    start = time.monotonic()
    waiting, lock = list(parts), threading.Lock()
    workers = [threading.Thread(target=work, args=(waiting, lock)) for _slot in range(SLOTS)]

    def stop(number: int, _frame: object) -> None:
        for again in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
            signal.signal(again, signal.SIG_IGN)
        print(f'stopped: {f"{WHOLE} s are over" if number == signal.SIGALRM else signal.Signals(number).name}', flush=True)
        waiting.clear()
        for part in parts:
            part.end()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, stop)
    signal.alarm(WHOLE)
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    print(f'\n{"part":<24} {"result":<8} {"seconds":>7}  its last words')
    skipped = 0
    for part in parts:
        print(f'{part.name:<24} {part.outcome.partition(":")[0]:<8} {part.seconds:>7.0f}  {part.last_words()}')
        for line in NOT_RUN.findall(part.text()):
            skipped += 1
            print(f'{"":<24} {line}')
    if sys.argv[1:] == ['test']:
        for name in other_scenarios():
            skipped += 1
            print(f'molecule-{name:<15} not run: it is in make test-all')
    failed = sum(part.outcome != 'passed' for part in parts)
    print(f'{"all":<24} {"":<8} {time.monotonic() - start:>7.0f}')
    print(f'{len(parts) - failed} passed, {failed} failed, {skipped} skipped')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
