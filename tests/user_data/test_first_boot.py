# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user data does to a machine by the unit alone."""
from __future__ import annotations

import hashlib
import json
import subprocess

import jinja2
import pytest
from first_boot import REPO, SHELLS

ROLE = REPO / 'roles' / 'clocksource'
INSTALLED = ['lib/cloudclock', 'lib/cloudclock/clocksource.sh', 'units/cloudclock-clocksource.service']
OWN = 'cloudclock-clocksource.service'


def expected_unit(name='tsc'):
    """The unit as the role installs it, by Jinja itself."""
    template = (ROLE / 'templates' / 'cloudclock-clocksource.service.j2').read_text()
    script = (ROLE / 'files' / 'clocksource.sh').read_text()
    environment = jinja2.Environment(keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
    environment.filters['hash'] = lambda text, kind: hashlib.new(kind, text.encode()).hexdigest()
    return script, environment.from_string(template).render(
        clocksource__target=name, clocksource__script=script,
        clocksource__script_path='/usr/local/lib/cloudclock/clocksource.sh')


@pytest.mark.parametrize('shell', SHELLS, ids=' '.join)
def test_a_machine_gets_the_roles_own_files_and_a_second_time_the_same(machine, texts, shell):
    text = texts['shell', 'unit'].text
    assert machine.boot(text, shell)[0] == ['tsc is the clocksource now, it was hpet; waited 0 s', OWN + ' takes tsc at each boot']
    assert machine.current() == 'tsc'
    assert machine.calls('systemctl') == ['daemon-reload', 'enable ' + OWN, 'restart ' + OWN]
    script, unit = expected_unit()
    assert (machine.here / 'lib/cloudclock/clocksource.sh').read_text() == script
    assert (machine.here / 'units' / OWN).read_text() == unit
    assert [oct((machine.here / name).stat().st_mode & 0o777) for name in INSTALLED] == ['0o755', '0o755', '0o644']
    assert machine.boot(text, shell)[0] == ['tsc is the clocksource already', OWN + ' takes tsc at each boot']
    assert machine.files() == INSTALLED


def left_alone(machine, texts, source='hpet'):
    said, printed = machine.boot(texts['shell', 'unit'].text)
    assert len(printed.splitlines()) == len(said)
    assert machine.current() == source
    assert machine.files() == []
    return said


def test_a_container_is_left_alone(machine, texts):
    machine.answer('systemd-detect-virt', '[ "$*" = "--container --quiet" ]')
    assert left_alone(machine, texts) == ["this is a container: its clock is the host's, so nothing was done"]


def test_a_name_inside_another_is_not_offered(machine, texts):
    machine.offers('hyperv_clocksource_tsc_page tsc-early acpi_pm', 'acpi_pm')
    said = left_alone(machine, texts, 'acpi_pm')
    assert said == ['tsc is not offered (there is hyperv_clocksource_tsc_page tsc-early acpi_pm ): still on acpi_pm']
    assert machine.calls('sleep') == ['1'] * 10


def test_a_source_that_comes_late_is_waited_for(machine, texts):
    machine.offers('hpet', 'hpet')
    machine.answer('sleep', 'echo hpet tsc >/sys/devices/system/clocksource/clocksource0/available_clocksource')
    assert machine.boot(texts['shell', 'unit'].text)[0][-1] == OWN + ' takes tsc at each boot'
    assert machine.calls('sleep') == ['1', '2']


def test_where_the_kernel_takes_it_by_itself_nothing_is_installed(machine, texts):
    machine.offers('tsc hpet acpi_pm', 'tsc')
    (machine.here / 'cmdline').write_text('quiet clocksource=tsc\n')
    assert left_alone(machine, texts, 'tsc') == ['tsc is the clocksource already',
                                                 'the kernel takes tsc by itself: there is nothing to make last']


def test_a_kernel_that_leaves_it_again_keeps_its_choice(machine, texts):
    machine.answer('sleep', 'echo hpet >/sys/devices/system/clocksource/clocksource0/current_clocksource')
    assert left_alone(machine, texts)[-1] == 'the kernel is on hpet and not on tsc: nothing was made to last'


def test_a_kernel_that_does_not_take_it_keeps_its_choice(machine, texts):
    """/dev/null takes the name and does not keep it, nor has it another."""
    (machine.here / 'sys' / 'current_clocksource').unlink()
    (machine.here / 'sys' / 'current_clocksource').symlink_to('/dev/null')
    said, dummy = machine.boot(texts['shell', 'unit'].text)
    assert said == ['the kernel is on  and not on tsc: nothing was made to last']
    assert machine.files() == []


def test_without_systemd_it_says_what_that_means(machine, texts):
    (machine.here / 'run/systemd/system').rmdir()
    assert left_alone(machine, texts, 'tsc')[-1] == 'there is no systemd here: nothing keeps tsc after the next boot'


def test_a_unit_that_does_not_start_is_taken_away_again(machine, texts):
    machine.answer('systemctl', '[ "$1" != restart ]')
    assert left_alone(machine, texts, 'tsc')[-1] == OWN + ' could not be installed: nothing keeps tsc after the next boot'
    assert machine.calls('systemctl')[-2:] == ['disable ' + OWN, 'daemon-reload']


def test_messages_that_do_not_reach_back_to_the_boot_are_no_clean_ones(machine, texts):
    machine.answer('dmesg', 'echo "[   99.0] eth0: link up"')
    assert left_alone(machine, texts) == ["the kernel's messages of this boot cannot be read to their start: still on hpet"]
    machine.answer('journalctl', 'echo "Linux version 6.12.0"; echo "tsc: Marking TSC unstable due to check_tsc_sync_source failed"')
    assert left_alone(machine, texts) == ['the kernel marked the TSC unstable in this boot: still on hpet']


def recorded():
    for name in ('kernel_logs.json', 'further_logs.json'):
        yield from json.loads((REPO / 'tests' / 'machines' / name).read_text())


# dmesg and journalctl are asked for the kernel's own words of this boot, where the facts sort a file's.
SORTED_OUT = ('two-boots', 'two-boots-by-stamp', 'said-by-a-service')


def test_it_finds_the_same_marks_as_the_facts(texts):
    """Its grep by itself, over the recorded logs."""
    script = texts['shell', 'unit'].text
    marks = script[script.index('marks='):script.index('if grep')]
    found, expected = {}, {}
    for record in recorded():
        if record['id'] not in SORTED_OUT:
            done = subprocess.run(['sh', '-c', marks + 'grep -qE "$marks"'], input='\n'.join(record['lines']) + '\n',
                                  encoding='utf-8', timeout=20, check=False)
            found[record['id']], expected[record['id']] = done.returncode == 0, record['expect']['tsc_unstable'] is True
    assert len(found) > 10 and set(found.values()) == {True, False}
    assert found == expected
