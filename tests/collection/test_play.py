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


def test_an_inventory_takes_the_place_of_this_machine(play, tmp_path):
    command, target = play
    (tmp_path / 'hosts.ini').write_text(f'elsewhere ansible_connection=local ansible_python_interpreter={sys.executable}\n')
    code, text = without_terminal(command, arguments(target, YES='1', INVENTORY=str(tmp_path / 'hosts.ini')))
    assert code == 0
    assert 'elsewhere' in text and 'localhost' not in text
