# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The boot in which cloud-init ran the user data, and the next one, in which the fix ran as well."""
import hashlib
import os
import time

import checks

SCRIPT = '/usr/local/lib/cloudclock/clocksource.sh'
OUTPUT = '/var/log/cloud-init-output.log'
# of this boot, and written when cloud-init is through with all of its stages
RESULT = '/run/cloud-init/result.json'
ROLE = os.path.join(os.environ['MOLECULE_PROJECT_DIRECTORY'], 'roles', 'clocksource')


def test_cloud_init_ran_it_once_for_this_instance(host):
    """At the end of the boot, after ssh is there."""
    deadline = time.monotonic() + 240
    while host.run('test -e ' + RESULT).rc and time.monotonic() < deadline:
        time.sleep(1)
    shown = host.run('cat %s; tail -n 40 %s /var/log/cloud-init.log', RESULT, OUTPUT).stdout
    assert '"errors": []' in shown, shown
    lines = host.file(OUTPUT).content_string.splitlines()
    assert [line for line in lines if line.startswith('cloudclock: ')] == [
        'cloudclock: tsc is the clocksource now, it was hpet; waited 0 s',
        'cloudclock: %s takes tsc at each boot' % checks.UNIT], shown


def test_the_unit_took_the_tsc_although_the_kernel_was_told_otherwise(host):
    checks.kept_by_the_unit(host, 'hpet')


def test_the_files_are_the_roles_own_and_nobody_touched_them_since(host):
    with open(os.path.join(ROLE, 'files', 'clocksource.sh'), 'rb') as script:
        digest = hashlib.sha256(script.read()).hexdigest()
    assert host.file(SCRIPT).sha256sum == digest
    unit = '/etc/systemd/system/' + checks.UNIT
    assert 'sha256 ' + digest in host.file(unit).content_string
    checks.same_as_first(host, 'unit', checks.fingerprint(host, unit, SCRIPT))
    assert not host.file(checks.RECORD).exists
