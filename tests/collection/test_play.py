# Copyright (c) 2026, the cloudclock.linux contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/play.sh, which is behind `make fix` and `make revert`: what it shows, when it asks, what it then does."""
from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent.parent.parent
ENVIRONMENT = dict({name: value for name, value in os.environ.items() if name not in ('YES', 'INVENTORY', 'ARGS')},
                   PATH=f'{Path(sys.executable).parent}:{os.environ["PATH"]}', ANSIBLE_CONFIG=str(HERE / 'ansible.cfg'),
                   LC_ALL='C.UTF-8')
PLAYBOOK = '''
- hosts: all
  gather_facts: false
  tasks:
    - name: Write it
      ansible.builtin.copy:
        content: "written"
        dest: "{{ target }}"
        mode: "0600"
'''


@pytest.fixture(name='play')
def a_playbook(tmp_path):
    """A playbook that writes a file, and that file's path."""
    (tmp_path / 'play.yml').write_text(PLAYBOOK)
    return ['tools/play.sh', str(tmp_path / 'play.yml')], tmp_path / 'target'


def arguments(target, **more):
    return dict(ENVIRONMENT, ARGS=f"-e 'target={target} other=quoted'", **more)


def without_terminal(command, environment):
    done = subprocess.run(command, cwd=HERE, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=120, check=False)
    return done.returncode, done.stdout.decode()


def on_terminal(command, environment, answer):
    """Run on a terminal of our own; type the answer once it is asked for."""
    ours, theirs = pty.openpty()
    seen = b''
    with subprocess.Popen(command, cwd=HERE, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
                          start_new_session=True) as process:
        os.close(theirs)
        watchdog = threading.Timer(120, process.kill)
        watchdog.start()
        asked = False
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # Linux's way to say that the other end is closed
                break
            if not piece:
                break
            seen += piece
            if b'Do it?' in seen and not asked:
                asked = True
                os.write(ours, answer.encode() + b'\n')
        watchdog.cancel()
        code = process.wait(10)
    os.close(ours)
    return code, seen.decode(errors='replace'), asked


def test_without_a_terminal_the_plan_is_shown_and_done(play):
    command, target = play
    code, text = without_terminal(command, arguments(target))
    assert code == 0
    assert text.count('PLAY RECAP') == 2
    assert '+written' in text
    assert target.read_text() == 'written'


def test_where_the_plan_changes_nothing_that_is_the_end(play):
    command, target = play
    without_terminal(command, arguments(target))
    code, text = without_terminal(command, arguments(target))
    assert code == 0
    assert text.count('PLAY RECAP') == 1
    assert text.rstrip().endswith('Nothing to change.')


def test_yes_needs_no_plan(play):
    command, target = play
    code, text = without_terminal(command, arguments(target, YES='1'))
    assert code == 0
    assert text.count('PLAY RECAP') == 1
    assert target.read_text() == 'written'


def test_a_plan_that_fails_is_not_carried_out(play):
    command, target = play
    code, text = without_terminal(command, ENVIRONMENT)
    assert code != 0
    assert "'target' is undefined" in text
    assert text.count('PLAY RECAP') == 1


@pytest.mark.parametrize('answer', ['n', ''])
def test_on_a_terminal_a_no_changes_nothing(play, answer):
    command, target = play
    code, text, asked = on_terminal(command, arguments(target), answer)
    assert asked
    assert code == 0
    assert 'Nothing was changed.' in text
    assert not target.exists()


def test_on_a_terminal_a_yes_does_it(play):
    command, target = play
    code, text, asked = on_terminal(command, arguments(target), 'y')
    assert asked
    assert code == 0, text
    assert target.read_text() == 'written'


@pytest.fixture(name='half_dead')
def an_inventory_of_which_one_host_is_lost(tmp_path):
    path = tmp_path / 'hosts.ini'
    path.write_text(f'here ansible_connection=local ansible_python_interpreter={sys.executable}\n'
                    'lost ansible_host=127.0.0.1 ansible_port=1 ansible_ssh_retries=0\n')
    return str(path)


def test_a_host_that_is_lost_in_the_plan_stops_it_where_nobody_can_be_asked(play, half_dead):
    command, target = play
    code, text = without_terminal(command, arguments(target, INVENTORY=half_dead))
    assert code == 4
    assert '+written' in text and text.count('PLAY RECAP') == 1
    assert 'Nothing was changed.' in text and 'YES=1' in text
    assert not target.exists()


@pytest.mark.parametrize('answer, written', [('y', True), ('n', False)])
def test_a_host_that_is_lost_in_the_plan_does_not_keep_the_others_from_it(play, half_dead, answer, written):
    command, target = play
    code, text, asked = on_terminal(command, arguments(target, INVENTORY=half_dead), answer)
    assert asked
    assert 'The plan failed' in text
    assert code == (4 if written else 0)
    assert target.exists() is written


def test_a_lost_fleet_is_not_told_as_nothing_to_change(play, half_dead):
    command, target = play
    environment = arguments(target, INVENTORY=half_dead)
    environment['ARGS'] += ' --limit lost'
    code, text, asked = on_terminal(command, environment, 'y')
    assert code == 4 and not asked
    assert 'Nothing to change' not in text and 'Nothing was changed.' in text


@pytest.mark.parametrize('words', ["--tags it --limit='web", '--tags it --limit="web'])
def test_a_quote_that_does_not_close_does_nothing(play, words):
    command, target = play
    environment = arguments(target, YES='1')
    environment['ARGS'] += ' ' + words
    code, text = without_terminal(command, environment)
    assert code == 2
    assert 'PLAY' not in text and 'Nothing was done' in text
    assert not target.exists()


@pytest.mark.parametrize('words, passed', [
    ('', []), ('  ', []), ("--limit ''", ['--limit', '']), ('-e "a=b c" -v', ['-e', 'a=b c', '-v']), ("''", ['']),
    ('--limit web\n -v', ['--limit', 'web', '-v']),
])
def test_arguments_are_split_as_a_shell_does(tmp_path, words, passed):
    told = tmp_path / 'ansible-playbook'
    told.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    told.chmod(0o755)
    code, text = without_terminal(['tools/play.sh', 'play.yml'],
                                  dict(ENVIRONMENT, YES='1', INVENTORY='hosts', ARGS=words, PATH=f'{tmp_path}:{ENVIRONMENT["PATH"]}'))
    assert code == 0
    assert text == ''.join(word + '|' for word in ['play.yml', '-i', 'hosts', *passed])


def test_an_inventory_takes_the_place_of_this_machine(play, tmp_path):
    command, target = play
    (tmp_path / 'hosts.ini').write_text(f'elsewhere ansible_connection=local ansible_python_interpreter={sys.executable}\n')
    code, text = without_terminal(command, arguments(target, YES='1', INVENTORY=str(tmp_path / 'hosts.ini')))
    assert code == 0
    assert 'elsewhere' in text and 'localhost' not in text
