# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The boot in which cloud-init ran the user data, the next one, and the machine after a run of the fix."""
import hashlib
import os
import time

import checks

UNIT = 'cloudclock-clocksource.service'
SCRIPT = '/usr/local/lib/cloudclock/clocksource.sh'
OUTPUT = '/var/log/cloud-init-output.log'
ROLE = os.path.join(os.environ['MOLECULE_PROJECT_DIRECTORY'], 'roles', 'clocksource')


def said(host):
    """What the user data said: cloud-init runs it at the end of the boot, after ssh is there."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        log = host.file(OUTPUT)
        lines = [line for line in log.content_string.splitlines() if line.startswith('cloudclock: ')] if log.exists else []
        if any(UNIT in line for line in lines):
            return lines
        time.sleep(2)
    raise AssertionError(host.run('tail -n 40 %s /var/log/cloud-init.log' % OUTPUT).stdout)


def test_cloud_init_ran_it_once_for_this_instance(host):
    assert said(host) == ['cloudclock: tsc is the clocksource now, it was hpet; waited 0 s',
                          'cloudclock: %s takes tsc at each boot' % UNIT]


def test_the_kernel_reads_the_tsc_although_it_was_told_otherwise(host):
    assert checks.booted_with(host) == ['clocksource=hpet']
    checks.await_current(host, 'tsc')
    assert checks.read_ns(host) < 300


def test_the_unit_is_enabled_and_did_not_fail(host):
    assert host.service(UNIT).is_enabled
    assert host.check_output('systemctl show -P Result %s', UNIT) == 'success'
    assert 'tsc is the clocksource' in host.check_output('journalctl -b -u %s -o cat', UNIT)


def test_the_files_are_the_roles_own_and_nobody_touched_them_since(host):
    with open(os.path.join(ROLE, 'files', 'clocksource.sh'), 'rb') as script:
        digest = hashlib.sha256(script.read()).hexdigest()
    assert host.file(SCRIPT).sha256sum == digest
    assert 'sha256 ' + digest in host.file('/etc/systemd/system/' + UNIT).content_string
    checks.same_as_first(host, 'unit', checks.fingerprint(host, '/etc/systemd/system/' + UNIT, SCRIPT))
    assert not host.file(checks.RECORD).exists
