# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to run next for a machine, as commands that can be pasted into a shell."""
from __future__ import annotations

import shlex

NAME = 'cloudclock.linux.'
# roles/clocksource/defaults/main.yml
FIXS_WARP_BUDGET = 2000
# A report of one machine would take the place of the fleet's.
TABLE_ONLY = ('-e', 'audit_report=')


def commands(it: dict, options: list[str]) -> list[dict]:
    """``[{'why', 'command'}]``, the first one first; ``options`` are what the audit itself was given to find its hosts."""
    def play(why, book, *more):
        return {'why': why, 'command': shlex.join(['ansible-playbook', *options, NAME + book, '--limit', it['host'], *more])}

    def ask(why, module):
        return {'why': why, 'command': shlex.join(['ansible', *options, 'all', '--limit', it['host'], '--become', '-m', NAME + module])}

    source, boot = it['clocksource'], it['boot']
    found = []
    if it['state'] != 'seen':
        return [play('Look again, with every word that is said', 'audit_clocks', *TABLE_ONLY, '-vvv')]
    if it['hypervisor']['container']:
        return [] if source['verdict'] not in ('slow', 'unsafe') else [
            ask("A container has its host's clock: fix the host. Which programs pay", 'time_syscalls_info')]
    warp = (it['gates'] or {}).get('warp', {})
    if source['verdict'] == 'unknown':
        found.append(play('Look again; as root, where facts were missing', 'audit_clocks', *TABLE_ONLY))
    if it['fixable']:
        # A warp that was seen once need not show in the fix's own test, which would then leave the machine on tsc.
        named = ['-e', 'clocksource_name=' + source['recommended']] if source['verdict'] == 'unsafe' else []
        budget = int((it['warp'] or {}).get('budget_ms') or 0)
        named += ['-e', f'clocksource_warp_budget_ms={budget}'] if budget > FIXS_WARP_BUDGET else []
        found += [play('See what a fix would do', 'fix_clocksource', *named, '--check', '--diff'),
                  play('Do it', 'fix_clocksource', *named)]
    elif warp.get('passed') is False and it['warp'] and it['warp']['partial'] and not it['warp']['worst_cycles']:
        found.append(play('Have more pairs of CPUs tested, and see what a fix would do', 'fix_clocksource', '-e',
                          'clocksource_warp_budget_ms=60000', '--check', '--diff'))
    if boot['reboot_required']:
        found.append(play('Reboot into the new kernel arguments, and prove them', 'fix_clocksource', '-e',
                          'clocksource_reboot=if_required'))
    if source['verdict'] in ('slow', 'unsafe'):
        found.append(ask('See which programs pay', 'time_syscalls_info'))
    elif not found and source['verdict'] in ('optimal', 'acceptable'):
        found.append(play(_lasting(it), 'verify_clocksource'))
    return found


def _lasting(it: dict) -> str:
    if it['kept_by']:
        return 'Nothing to do. To fail a CI when it slips back'
    return f'The next boot brings {it["next_boot"]}: what the gate says to that' if it['next_boot'] else \
        'What the next boot brings is not known: see why'
