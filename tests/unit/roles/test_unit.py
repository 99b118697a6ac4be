# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit's script, below a folder that stands for sysfs, and the unit file.

A folder of ordinary files takes any name and keeps it, so this shows what the script asks and writes, not what a kernel
makes of it: the scenario `systemd` boots one for that.
"""
import os
import shutil
import subprocess
import threading
import time

import jinja2
import pytest

ROLE = os.path.join(os.path.dirname(__file__), '..', '..', '..', 'roles', 'clocksource')
SCRIPT = os.path.join(ROLE, 'files', 'clocksource.sh')
SHELLS = [shell for shell in (['dash'], ['bash', '--posix'], ['busybox', 'sh']) if shutil.which(shell[0])]


@pytest.fixture
def sysfs(tmp_path):
    (tmp_path / 'available_clocksource').write_text('hpet acpi_pm \n')
    (tmp_path / 'current_clocksource').write_text('hpet\n')
    return tmp_path


def run(mode, name, folder, shell=('sh',)):
    process = subprocess.run([*shell, SCRIPT, mode, name, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             encoding='utf-8', timeout=90, check=False)
    assert process.returncode == 0, process.stdout
    return process.stdout


@pytest.mark.parametrize('shell', SHELLS, ids=' '.join)
def test_an_offered_source_is_taken_at_once_with_one_line(sysfs, shell):
    (sysfs / 'available_clocksource').write_text('hpet tsc acpi_pm \n')
    assert run('now', 'tsc', sysfs, shell) == '<6>tsc is the clocksource now, it was hpet; waited 0 s\n'
    assert (sysfs / 'current_clocksource').read_text() == 'tsc\n'
    assert run('watch', 'tsc', sysfs, shell) == ''
    assert run('now', 'tsc', sysfs, shell) == '<6>tsc is the clocksource already\n'


@pytest.mark.parametrize('shell', SHELLS, ids=' '.join)
def test_a_name_inside_another_is_not_offered(sysfs, shell):
    (sysfs / 'available_clocksource').write_text('hyperv_clocksource_tsc_page tsc-early acpi_pm\n')
    assert run('now', 'tsc', sysfs, shell) == ''
    assert run('now', '*', sysfs, shell) == ''
    assert (sysfs / 'current_clocksource').read_text() == 'hpet\n'


@pytest.mark.slow
@pytest.mark.parametrize('shell', SHELLS, ids=' '.join)
def test_a_source_that_comes_late_is_taken_when_it_comes(sysfs, shell):
    assert run('now', 'tsc', sysfs, shell) == ''
    late = threading.Timer(1.3, (sysfs / 'available_clocksource').write_text, ['hpet tsc acpi_pm \n'])
    late.start()
    began = time.monotonic()
    said = run('watch', 'tsc', sysfs, shell)
    late.join()
    assert time.monotonic() - began < 10
    assert said.startswith('<6>tsc is the clocksource now, it was hpet; waited ') and said.count('\n') == 1
    assert (sysfs / 'current_clocksource').read_text() == 'tsc\n'


def test_without_sysfs_it_says_so_and_ends(tmp_path):
    assert run('now', 'tsc', tmp_path) == ''
    assert run('watch', 'tsc', tmp_path) == '<4>there is no %s/current_clocksource: nothing to do\n' % tmp_path


def unhurried(tmp_path, seconds):
    """The same script with less patience."""
    script = tmp_path / 'script'
    text = open(SCRIPT).read()
    assert text.count('patience=30\n') == 1
    script.write_text(text.replace('patience=30', 'patience=%d' % seconds))
    return str(script)


@pytest.mark.slow
def test_a_source_that_never_comes_is_given_up_with_one_warning(sysfs):
    said = subprocess.run(['sh', unhurried(sysfs, 1), 'watch', 'tsc', str(sysfs)], stdout=subprocess.PIPE,
                          encoding='utf-8', timeout=30, check=False)
    assert (said.returncode, said.stdout) == (
        0, '<4>tsc is not offered after 1 s (there is hpet acpi_pm): still on hpet\n')
    assert (sysfs / 'current_clocksource').read_text() == 'hpet\n'


@pytest.mark.slow
def test_a_kernel_that_stays_where_it_was_is_a_warning(sysfs):
    """/dev/null as the file to write takes the name and does not keep it, as a kernel that refuses."""
    (sysfs / 'available_clocksource').write_text('hpet tsc\n')
    (sysfs / 'current_clocksource').unlink()
    (sysfs / 'current_clocksource').symlink_to('/dev/null')
    said = subprocess.run(['sh', unhurried(sysfs, 1), 'watch', 'tsc', str(sysfs)], stdout=subprocess.PIPE,
                          encoding='utf-8', timeout=30, check=False)
    assert said.returncode == 0 and said.stdout.startswith('<4>the kernel offers tsc but stays on ')
    assert said.stdout.count('\n') == 1


@pytest.fixture
def unit(tmp_path):
    template = open(os.path.join(ROLE, 'templates', 'cloudclock-clocksource.service.j2')).read()
    environment = jinja2.Environment(keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
    environment.filters['hash'] = lambda text, kind: kind + ' of ' + text
    (tmp_path / 'clocksource.sh').write_text('')
    path = tmp_path / 'cloudclock-clocksource.service'
    path.write_text(environment.from_string(template).render(
        clocksource__target='tsc', clocksource__script='the script',
        clocksource__script_path=str(tmp_path / 'clocksource.sh')))
    return path


def test_the_unit_depends_on_its_script_and_blocks_nothing(unit):
    text = unit.read_text()
    assert 'sha256 of the script' in text
    for line in ('DefaultDependencies=no', 'Before=sysinit.target', 'Conflicts=shutdown.target', 'WantedBy=sysinit.target',
                 'ProtectSystem=strict', 'CapabilityBoundingSet=', 'NoNewPrivileges=yes'):
        assert line in text.splitlines(), line
    assert 'Requires=' not in text and 'RequiredBy=' not in text


@pytest.mark.skipif(not shutil.which('systemd-analyze'), reason='needs systemd-analyze')
def test_systemd_takes_every_line_of_it(unit):
    said = subprocess.run(['systemd-analyze', 'verify', '--man=no', str(unit)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding='utf-8', timeout=60, check=False)
    assert 'cloudclock' not in said.stdout, said.stdout
