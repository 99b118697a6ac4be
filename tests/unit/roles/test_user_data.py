# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user data that the playbook writes: which values it takes, what comes out, and what that does to a machine.

The machine is this one in a mount namespace, with folders of ours over its clocksource, its units and /usr/local/lib, and
stand-ins for systemctl and its kind. A folder of ordinary files takes any name and keeps it, so that says what the script
asks, writes and installs; what a kernel and systemd make of it is the scenario `user-data`'s.
"""
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import jinja2
import pytest
import yaml

from .conftest import REPO

ROLE = os.path.join(REPO, 'roles', 'clocksource')
COMMIT = '0123456789abcdef0123456789abcdef01234567'
PULL = {'user_data_method': 'pull', 'user_data_repository': 'https://git.example/clocks.git', 'user_data_version': COMMIT}
UNIT = {'clocksource_name': 'tsc'}
BIN = os.path.dirname(sys.executable)
SHELLS = [shell for shell in (['dash'], ['bash'], ['busybox', 'sh']) if shutil.which(shell[0])]


@pytest.fixture(scope='session')
def write(tmp_path_factory):
    """``write(**variables)`` runs the playbook: the text that it wrote, or None, and what it printed."""
    if not os.path.isdir(os.path.join(REPO, '.collections')):
        pytest.skip('the checkout is not laid out as a collection')

    def run(**variables):
        here = tmp_path_factory.mktemp('written')
        (here / 'variables').write_text(json.dumps(variables))
        (here / 'ansible.cfg').write_text('')
        done = subprocess.run(
            [os.path.join(BIN, 'ansible-playbook'), 'cloudclock.linux.user_data', '-e', '@variables'], cwd=str(here),
            env=dict(os.environ, PYTHONUTF8='1', ANSIBLE_COLLECTIONS_PATH=os.path.join(REPO, '.collections'),
                     ANSIBLE_NOCOLOR='1', ANSIBLE_CONFIG=str(here / 'ansible.cfg'), ANSIBLE_LOCAL_TEMP=str(here / 'tmp')),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8', timeout=120,
            check=False)
        path = here / 'user-data'
        assert (done.returncode == 0) == path.exists(), done.stdout
        return SimpleNamespace(text=path.read_text() if path.exists() else None, path=path,
                               said=re.sub(r'\s+', ' ', done.stdout))
    return run


@pytest.fixture(scope='session')
def texts(write):
    """Both kinds by both methods; nothing in the tests changes them."""
    return {(kind, method): write(user_data_kind=kind, **dict(UNIT, **(PULL if method == 'pull' else {})))
            for kind in ('shell', 'cloud-config') for method in ('unit', 'pull')}


def test_a_second_run_writes_the_same(write, texts):
    again = write(user_data_kind='cloud-config', **UNIT)
    assert again.text == texts['cloud-config', 'unit'].text
    assert oct(again.path.stat().st_mode & 0o777) == '0o644'


@pytest.mark.parametrize('method', ['unit', 'pull'])
def test_both_kinds_hold_one_script(texts, method):
    """And YAML gives it back as it was put in."""
    config, shell = texts['cloud-config', method].text, texts['shell', method].text
    assert config.startswith('#cloud-config\n') and shell.startswith('#!/bin/sh\n')
    assert yaml.safe_load(config) == {'runcmd': [['sh', '-c', shell.partition('\n')[2]]]}
    assert max(len(config), len(shell)) <= 16384


@pytest.mark.parametrize('method', ['unit', 'pull'])
def test_the_shells_and_shellcheck_take_it(texts, method):
    path = str(texts['shell', method].path)
    for shell in SHELLS:
        subprocess.run([*shell, '-n', path], check=True, timeout=20)
    said = subprocess.run([os.path.join(BIN, 'shellcheck'), path], stdout=subprocess.PIPE, encoding='utf-8', timeout=60,
                          check=False)
    assert said.returncode == 0, said.stdout


NAME, REPOSITORY, VERSION, PINS = (
    'clocksource_name is the name of a clocksource', 'user_data_repository is an address',
    'user_data_version is a whole commit id', 'user_data_pins is a list of NAME==VERSION')


# A run says all that is wrong, so one run tries several values.
@pytest.mark.parametrize('name, repository, version, pins', [
    ('tsc;reboot', '', '', 'ansible-core==2.19.14'),
    ('tsc\n', 'http://git.example/clocks.git', 'main', ['ansible-core']),
    ("tsc'", 'https://me:secret@git.example/x', COMMIT[:12], ['a==1\nEND OF PINS\nreboot']),
    ('-n', 'https://git.example/$(reboot)', COMMIT + '\n', ['--index-url==x']),
    ('t' * 32, "https://git.example/x' y", COMMIT + ';reboot', ['a>=1']),
    ('', 'ssh://-oProxyCommand=reboot/x', COMMIT.upper(), ['a==$(reboot)']),
])
def test_values_that_a_shell_might_misread_are_refused(write, name, repository, version, pins):
    refused = write(user_data_method='pull', clocksource_name=name, user_data_repository=repository,
                    user_data_version=version, user_data_pins=pins)
    assert refused.text is None
    assert [words for words in (NAME, REPOSITORY, VERSION, PINS) if words not in refused.said] == []


@pytest.mark.parametrize('variables, words', [
    ({}, ['clocksource_name names it']),
    ({'user_data_kind': 'powershell', 'user_data_method': 'push', 'user_data_variables': 'clocksource_name=tsc'},
     ['user_data_kind is shell or cloud-config', 'user_data_method is unit or pull', 'user_data_variables is a dictionary']),
    (dict(PULL, user_data_variables={'a': 'b' * 16384}), ['bytes of user data, and EC2 takes 16384']),
])
def test_what_cannot_be_meant_is_refused(write, variables, words):
    refused = write(**variables)
    assert refused.text is None
    assert [word for word in words if word not in refused.said] == []


def test_hostile_variables_stay_one_word(write, tmp_path):
    """The script's own line is run by a shell that has nothing else to run."""
    hostile = {"clocksource_policy": "'; touch broken; '", 'a': '"$(touch broken)`touch broken`', 'b': 'x\nEND OF PINS\n',
               'c': '\u2028\x85\x7fé: #', "d'": '\\'}
    text = write(user_data_kind='cloud-config', user_data_variables=hostile, **PULL).text
    assert re.match(r'[\n -~]+\Z', text)
    script = yaml.safe_load(text)['runcmd'][0][2]
    line = next(line for line in script.splitlines() if line.startswith('variables='))
    said = subprocess.run(['sh', '-c', line + '\nprintf %s "$variables"'], cwd=str(tmp_path), stdout=subprocess.PIPE,
                          encoding='utf-8', timeout=20, check=True)
    assert json.loads(said.stdout) == dict(hostile, clocksource_name='auto', ansible_become=False)
    assert list(tmp_path.iterdir()) == []


def expected_unit(name='tsc'):
    """The unit as the role installs it, by Jinja itself."""
    with open(os.path.join(ROLE, 'templates', 'cloudclock-clocksource.service.j2'), encoding='utf-8') as text:
        template = text.read()
    with open(os.path.join(ROLE, 'files', 'clocksource.sh'), encoding='utf-8') as text:
        script = text.read()
    environment = jinja2.Environment(keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
    environment.filters['hash'] = lambda text, kind: hashlib.new(kind, text.encode()).hexdigest()
    return script, environment.from_string(template).render(
        clocksource__target=name, clocksource__script=script,
        clocksource__script_path='/usr/local/lib/cloudclock/clocksource.sh')


# A stand-in says how it was called, and answers as the file of its name in the folder of answers does.
STAND_IN = '#!/bin/sh\necho "${0##*/} $*" >>/run/calls\n[ ! -e "/run/answers/${0##*/}" ] || . "/run/answers/${0##*/}"\n'
STAND_INS = ('systemctl', 'systemd-detect-virt', 'dmesg', 'journalctl', 'logger', 'sleep')
MOUNTS = '''set -e
here=$1
mount --make-rprivate /
mount --bind "$here/cmdline" /proc/cmdline
for pair in sys:/sys/devices/system/clocksource/clocksource0 units:/etc/systemd/system lib:/usr/local/lib run:/run tmp:/tmp
do mount --bind "$here/${pair%%:*}" "${pair#*:}"; done  # /tmp is the last: ours may be below it
shift
exec "$@"
'''


class Machine:
    def __init__(self, here):
        self.here = here
        for name in ('sys', 'units', 'lib', 'run/systemd/system', 'run/answers', 'tmp', 'bin'):
            (here / name).mkdir(parents=True)
        for name in STAND_INS:
            (here / 'run' / name).write_text(STAND_IN)
            (here / 'run' / name).chmod(0o755)
        self.offers('hpet tsc acpi_pm', 'hpet')
        (here / 'cmdline').write_text('quiet clocksource=hpet\n')
        self.answer('systemd-detect-virt', 'exit 1')
        self.answer('dmesg', 'echo "[    0.000000] Linux version 6.12.0"')

    def offers(self, available, current):
        (self.here / 'sys' / 'available_clocksource').write_text(available + ' \n')
        (self.here / 'sys' / 'current_clocksource').write_text(current + '\n')

    def answer(self, name, script):
        (self.here / 'run' / 'answers' / name).write_text(script + '\n')

    def boot(self, path, shell):
        """Run the user data: the lines that it said of itself."""
        (self.here / 'run' / 'user-data').write_text(path.read_text())
        (self.here / 'run' / 'calls').write_text('')
        done = subprocess.run(['unshare', '--mount', 'sh', '-c', MOUNTS, 'sh', str(self.here), *shell, '/run/user-data'],
                              env={'PATH': '/run:/usr/sbin:/usr/bin:/sbin:/bin'}, stdin=subprocess.DEVNULL, cwd='/',
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8', timeout=60, check=False)
        assert done.returncode == 0, done.stdout
        assert list((self.here / 'tmp').iterdir()) == []
        said = [line[12:] for line in done.stdout.splitlines() if line.startswith('cloudclock: ')]
        assert len(said) == len(done.stdout.splitlines()), done.stdout
        assert [line.split(' -- ')[1] for line in self.calls('logger')] == said
        return said

    def calls(self, name):
        lines = (self.here / 'run' / 'calls').read_text().splitlines()
        return [line.partition(' ')[2] for line in lines if line.partition(' ')[0] == name]

    def current(self):
        return (self.here / 'sys' / 'current_clocksource').read_text().strip()

    def files(self):
        return sorted(str(path.relative_to(self.here)) for name in ('units', 'lib') for path in (self.here / name).rglob('*'))


INSTALLED = ['lib/cloudclock', 'lib/cloudclock/clocksource.sh', 'units/cloudclock-clocksource.service']
OWN = 'cloudclock-clocksource.service'


@pytest.fixture
def machine(tmp_path):
    tried = shutil.which('unshare') and not os.geteuid() and subprocess.run(
        ['unshare', '--mount', 'mount', '--bind', '/dev/null', '/proc/cmdline'], stderr=subprocess.DEVNULL, timeout=20, check=False)
    if not tried or tried.returncode or not os.path.isdir('/sys/devices/system/clocksource/clocksource0'):
        pytest.skip('mounts of our own take root and mount namespaces')
    return Machine(tmp_path)


@pytest.mark.parametrize('shell', SHELLS, ids=' '.join)
def test_a_machine_gets_the_roles_own_files_and_a_second_time_the_same(machine, texts, shell):
    path = texts['shell', 'unit'].path
    assert machine.boot(path, shell) == ['tsc is the clocksource now, it was hpet; waited 0 s', OWN + ' takes tsc at each boot']
    assert machine.current() == 'tsc'
    assert machine.calls('systemctl') == ['daemon-reload', 'enable ' + OWN, 'restart ' + OWN]
    script, unit = expected_unit()
    assert (machine.here / 'lib/cloudclock/clocksource.sh').read_text() == script
    assert (machine.here / 'units' / OWN).read_text() == unit
    assert [oct((machine.here / name).stat().st_mode & 0o777) for name in INSTALLED] == ['0o755', '0o755', '0o644']
    assert machine.boot(path, shell) == ['tsc is the clocksource already', OWN + ' takes tsc at each boot']
    assert machine.files() == INSTALLED


def left_alone(machine, texts, source='hpet'):
    said = machine.boot(texts['shell', 'unit'].path, SHELLS[0])
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
    assert machine.boot(texts['shell', 'unit'].path, SHELLS[0])[-1] == OWN + ' takes tsc at each boot'
    assert machine.calls('sleep') == ['1', '2']


def test_where_the_kernel_takes_it_by_itself_nothing_is_installed(machine, texts):
    machine.offers('tsc hpet acpi_pm', 'tsc')
    (machine.here / 'cmdline').write_text('quiet clocksource=tsc\n')
    assert left_alone(machine, texts, 'tsc') == ['tsc is the clocksource already',
                                                 'the kernel takes tsc by itself: there is nothing to make last']


def test_a_kernel_that_leaves_it_again_keeps_its_choice(machine, texts):
    machine.answer('sleep', 'echo hpet >/sys/devices/system/clocksource/clocksource0/current_clocksource')
    assert left_alone(machine, texts)[-1] == 'the kernel is on hpet and not on tsc: nothing was made to last'


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
        with open(os.path.join(REPO, 'tests', 'machines', name), encoding='utf-8') as records:
            yield from json.load(records)


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
