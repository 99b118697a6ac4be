# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collector as it is installed: run by the bare Python, with what can go wrong under it."""
import concurrent.futures
import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from .conftest import samples

PYTHONS = [path for path in ('/usr/bin/python3', sys.executable) if os.path.exists(path)]


@pytest.mark.parametrize('python', PYTHONS)
def test_it_runs_by_a_bare_python_and_writes_what_is_known(collector, python):
    done = collector.run(python=python)
    assert (done.returncode, done.stdout) == (0, '')
    found = samples(collector.metrics.read_text())
    with open('/sys/devices/system/clocksource/clocksource0/current_clocksource', encoding='ascii') as text:
        assert found['node_clock_source{source="%s"}' % text.read().strip()] == 1
    assert sum(value for name, value in found.items() if name.startswith('node_clock_verdict')) == 1
    assert 1e-9 < found['node_clock_read_seconds{clock="monotonic",path="vdso"}'] < 1e-4
    assert found['node_clock_probe_success'] == 1
    assert abs(found['node_clock_last_run_timestamp_seconds'] - time.time()) < 60
    assert not any('baseline' in name for name in found)
    assert (collector.metrics.stat().st_mode & 0o777, collector.state.stat().st_mode & 0o777) == (0o644, 0o600)
    assert os.listdir(collector.folder) == ['cloudclock.prom']


def test_promtool_finds_nothing_to_say(collector, programs):
    for _run in range(3):
        collector.run()
    text = collector.metrics.read_text()
    done = subprocess.run([programs / 'promtool', 'check', 'metrics'], input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding='utf-8', timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, '')
    assert 'node_clock_read_baseline_seconds{clock="monotonic",path="vdso"}' in text


def test_every_read_metric_has_its_help_and_type(collector):
    collector.run()
    lines = collector.metrics.read_text().splitlines()
    for name in {line.partition(' ')[0].partition('{')[0] for line in lines if not line.startswith('#')}:
        assert any(line.startswith('# HELP %s ' % name) for line in lines)
        assert [line.split()[3] for line in lines if line.startswith('# TYPE %s ' % name)] == [
            'counter' if name.endswith('_total') else 'gauge']


def test_a_probe_that_is_not_the_one_installed_is_not_run(collector, tmp_path):
    mark = tmp_path / 'ran'
    collector.probe.write_text('#!/bin/sh\n: >%s\n' % mark)
    done = collector.run()
    assert done.returncode == 1 and 'does not have its checksum' in done.stdout
    assert not mark.exists()
    found = samples(collector.metrics.read_text())
    assert found['node_clock_probe_success'] == 0
    assert not any('read_' in name for name in found)
    assert any(name.startswith('node_clock_source{') for name in found)


def test_a_folder_that_is_gone_is_an_error(collector):
    collector.folder.rmdir()
    done = collector.run()
    assert done.returncode == 1 and 'was not written: No such file' in done.stdout
    assert not collector.folder.exists()


def test_a_full_disk_leaves_the_last_good_file(collector):
    if os.geteuid() or subprocess.call(['unshare', '--mount', 'true'], stderr=subprocess.DEVNULL):
        pytest.skip('a small disk of our own takes root and mount namespaces')
    script = ('mount -t tmpfs -o size=16k none "$0" && printf "good 1\\n" >"$0/cloudclock.prom" || exit; '
              'dd if=/dev/zero of="$0/filler" bs=1k count=64 2>/dev/null; "$@"; echo "code $?"; '
              'ls "$0"; cat "$0/cloudclock.prom"')
    done = collector.run('unshare', '--mount', 'sh', '-c', script, str(collector.folder))
    assert 'No space left' in done.stdout and 'code 1' in done.stdout
    assert done.stdout.endswith('cloudclock.prom\nfiller\ngood 1\n')


def test_a_killed_run_leaves_the_last_good_file_and_the_next_run_cleans_up(collector):
    collector.run()
    good = collector.metrics.read_bytes()
    # where the rename would come: killed with the new file half written
    collect = collector.home / 'parts' / '_metrics' / '_collect.py'
    text = collect.read_text()
    collect.write_text(text.replace('            os.rename(beside, path)',
                                    '            os.kill(os.getpid(), 9)\n            os.rename(beside, path)'))
    assert collector.run().returncode == -signal.SIGKILL
    assert collector.metrics.read_bytes() == good
    assert sorted(os.listdir(collector.folder)) == ['cloudclock.prom', 'cloudclock.prom.new']
    collect.write_text(text)
    assert collector.run().returncode == 0
    assert os.listdir(collector.folder) == ['cloudclock.prom']


def test_a_link_that_somebody_put_in_the_way_is_not_followed(collector, tmp_path):
    precious = tmp_path / 'precious'
    precious.write_text('precious')
    (collector.folder / 'cloudclock.prom.new').symlink_to(precious)
    assert collector.run().returncode == 0
    assert precious.read_text() == 'precious'


HOLD = ('import fcntl, os, sys\nfd = os.open(sys.argv[1], os.O_RDONLY)\nfcntl.flock(fd, fcntl.LOCK_EX)\n'
        'print(flush=True)\nsys.stdin.read()')


@contextlib.contextmanager
def held(folder):
    """Another run, until the context ends."""
    with subprocess.Popen([sys.executable, '-c', HOLD, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        yield
        other.stdin.close()


def test_one_run_waits_for_the_other(collector):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        with held(collector.state.parent):
            waits = pool.submit(collector.run)
            time.sleep(1)
            assert not waits.done() and not collector.metrics.exists()
        assert waits.result(30).returncode == 0 and collector.metrics.exists()


def test_it_does_not_wait_for_ever(collector):
    collect = collector.home / 'parts' / '_metrics' / '_collect.py'
    collect.write_text(collect.read_text().replace('PATIENCE = 20', 'PATIENCE = 0.3'))
    with held(collector.state.parent):
        done = collector.run()
    assert done.returncode == 1 and 'another run is not done yet' in done.stdout
    assert collector.run().returncode == 0


def test_a_run_that_waited_until_it_was_removed_writes_nothing(collector):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        with held(collector.state.parent):
            waits = pool.submit(collector.run)
            time.sleep(1)
            (collector.home / 'options.json').unlink()
        done = waits.result(30)
    assert done.returncode == 1 and not collector.metrics.exists()


def test_a_damaged_memory_starts_anew(collector):
    collector.state.write_text('{"reads"')
    done = collector.run()
    assert done.returncode == 0 and 'the baseline starts anew' in done.stdout
    assert 'node_clock_source_switches_total 0' in collector.metrics.read_text()
