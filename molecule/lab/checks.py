# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scenarios look at, from outside and without the collection's own modules."""
import json
import os
import time

SYSFS = '/sys/devices/system/clocksource/clocksource0/'
BOOT_FILES = ('/etc/default', '/boot/grub/grub.cfg')
RECORD = '/var/lib/cloudclock'
UNIT = 'cloudclock-clocksource.service'
UNIT_FILES = ('/usr/local/lib/cloudclock', '/etc/systemd/system/' + UNIT, '/etc/systemd/system/sysinit.target.wants/' + UNIT)

# The least of many batches, less the same for a clock that reads no counter: nanoseconds. In turn and for a second or more,
# since a host that is busy elsewhere slows the machine for some tenths of one.
MEASURE = """
import time
def batch(clock):
    start = time.perf_counter()
    for dummy in range(300):
        time.clock_gettime(clock)
    return (time.perf_counter() - start) / 300 * 1e9
least = {1: 1e9, 6: 1e9}
for dummy in range(10):
    for clock in least:
        least[clock] = min([least[clock]] + [batch(clock) for dummy in range(15)])
    time.sleep(0.1)
print(least[1] - least[6])
"""


def current(host):
    return host.file(SYSFS + 'current_clocksource').content_string.strip()


def await_current(host, name, seconds=60):
    """Poll: what a boot does in the background comes when it comes."""
    deadline = time.monotonic() + seconds
    while current(host) != name and time.monotonic() < deadline:
        time.sleep(1)
    assert current(host) == name, host.check_output('dmesg | grep -iE "tsc|clocksource"')


def offered(host):
    return host.file(SYSFS + 'available_clocksource').content_string.split()


def read_ns(host):
    """What a read of the machine's counter costs, in nanoseconds; printed, so that a run shows it."""
    cost = float(host.check_output('python3 -c %s', MEASURE))
    print(f'{current(host)}: {cost:.0f} ns a read')
    return cost


def booted_with(host):
    """The clocksource= arguments of the running kernel."""
    return [word for word in host.file('/proc/cmdline').content_string.split() if word.startswith('clocksource=')]


def kept_by_the_unit(host, told):
    """In this boot the kernel was told to take another source, and the unit switched to tsc."""
    assert booted_with(host) == ['clocksource=' + told]
    await_current(host, 'tsc')
    assert read_ns(host) < 300
    assert host.service(UNIT).is_enabled
    assert host.check_output('systemctl show -P Result %s', UNIT) == 'success'
    assert 'tsc is the clocksource' in host.check_output('journalctl -b -u %s -o cat', UNIT)


def nothing_of_ours_is_left(host):
    assert [path for path in (RECORD,) + UNIT_FILES if host.file(path).exists] == []


def contents(host, *paths):
    """Mode and digest of every file below the paths: what an undo must bring back (their times may differ)."""
    return listing(host, '%m %u %g', paths)


def fingerprint(host, *paths):
    """The contents, and when each file was written last."""
    return listing(host, '%m %u %g %T@', paths)


def listing(host, properties, paths):
    files = 'find %s -type f' % ' '.join(path for path in paths if host.file(path).exists)
    lines = host.check_output('{ %s -printf "%%p %s\\n"; %s -exec sha256sum {} +; } | sort' % (files, properties, files))
    assert lines.count('/') > 1
    return lines


def same_as_first(host, what, value):
    """The first call for a machine keeps the value, a later one asserts that it is still the same."""
    name = '%s-%s.json' % (host.backend.get_hostname(), what)
    path = os.path.join(os.environ['MOLECULE_EPHEMERAL_DIRECTORY'], name)
    if not os.path.exists(path):
        with open(path, 'w', encoding='utf-8') as kept:
            json.dump(value, kept)
        return
    with open(path, encoding='utf-8') as kept:
        assert json.load(kept) == value, what


def sources(host):
    """The rows of chronyd's sources: mode (``#`` a clock, ``^`` a server), state (``*`` selected), name …"""
    return host.run('chronyc -n -c sources').stdout.splitlines()


def await_selected(host, seconds=60):
    """The row of the source that chronyd has selected, which it does some seconds after its start."""
    deadline = time.monotonic() + seconds
    while True:
        # 506 Cannot talk to daemon: just after a boot it does not answer yet
        rows = [row.split(',') for row in sources(host) if ',' in row]
        selected = [row for row in rows if row[1] == '*']
        if selected or time.monotonic() > deadline:
            assert selected, rows
            return selected[0]
        time.sleep(1)
