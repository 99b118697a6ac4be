# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks under an ansible.cfg of the operator's own: each still comes to its last play, and tells of each host there."""
import pytest

from .conftest import ACTION
from .test_audit import GOOD as AUDITED
from .test_chrony_ptp import DONE as FOLLOWING
from .test_fleet import DONE, NOTHING
from .test_impact import ASKED, NONE
from .test_verify import GOOD as VERIFIED

pytestmark = pytest.mark.slow

LOST = ['unreachable']
# playbook: (what answers, a good host's answers, the last play, arguments)
PLAYBOOKS = {
    'fix_clocksource': ('clocksource', DONE, 'Say what came of it', ['-e', 'clocksource_serial=100%']),
    'revert_clocksource': ('clocksource', dict(DONE, kernel_cmdline=[NOTHING]), 'Say what came of it', ['-e', 'clocksource_serial=100%']),
    'setup_chrony_ptp': ('chrony_refclock', {'chrony_refclock': [FOLLOWING]}, 'Say what came of it', ['-e', 'chrony_ptp_serial=100%']),
    'measure_impact': ('clock_impact', NONE, 'Say what came of it', list(ASKED)),
    'audit_clocks': ('clock_facts', AUDITED, 'Say what was seen', []),
    'verify_clocksource': ('clock_facts', VERIFIED, 'Check what was seen', []),
}


@pytest.mark.parametrize('settings', [{'ANSIBLE_ANY_ERRORS_FATAL': '1'}, {'ANSIBLE_STRATEGY': 'free'}], ids=['fatal', 'free'])
@pytest.mark.parametrize('playbook', PLAYBOOKS)
def test_a_lost_host_costs_no_other_its_row_and_is_no_success(fleet, tmp_path, playbook, settings):
    module, good, last, arguments = PLAYBOOKS[playbook]
    (tmp_path / 'ansible_collections/cloudclock/linux/plugins/action' / (module + '.py')).write_text(ACTION)
    run = fleet(f'cloudclock.linux.{playbook}', {'web1': good, 'lost': {module: LOST, 'clock_facts': LOST}}, *arguments, **settings)
    assert run.code != 0, run.output
    assert run.recap('lost')['failed'] == 1 and run.recap('web1')['failed'] == 0, run.output
    told = run.output[run.output.index(f'PLAY [{last}]'):]
    assert 'web1' in told and 'no route to host' in told
    assert 'web1' in told.split('PLAY RECAP')[0]
