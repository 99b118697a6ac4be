# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which clocksource a machine will have after its next boot, as far as its files tell."""
from __future__ import annotations


def next_boot(boot: dict) -> tuple[str | None, str | None, str]:
    """(the source, who brings it, why), from ``boot`` of the facts; the first two are None where it cannot be foretold."""
    unit, running, configured = boot.get('unit') or {}, boot['running'], boot['configured']
    if configured is not None and (running is None or _others(running) != _others(configured)):
        return None, None, 'other kernel arguments come into force (%s, now %s): reboot, then look again' % (
            _shown(configured), 'not known' if running is None else _shown(running))
    if unit.get('present') and unit.get('enabled'):
        if not unit.get('source'):
            return None, None, 'cloudclock-clocksource.service is enabled and does not say what it takes'
        return unit['source'], 'systemd unit', 'by cloudclock-clocksource.service'
    # With arguments the reason is a doubt: a menu that is still to be generated, an entry that was chosen for one boot.
    if configured is None or boot.get('reason'):
        return None, None, f'the arguments of the next boot are not known: {boot.get("reason") or "no reason given"}'
    if boot['clocksource']:
        return boot['clocksource'], 'kernel argument', f'by clocksource={boot["clocksource"]} on its command line'
    if not boot['kernel_choice']:
        return None, None, 'what the kernel takes by itself is not known'
    return boot['kernel_choice'], 'kernel', 'by the kernel\'s own choice'


def _others(arguments) -> list[str]:
    """What may change which sources are offered; the source itself is looked at by name."""
    return sorted(word for word in arguments if not word.startswith('clocksource='))


def _shown(arguments) -> str:
    return ' '.join(_others(arguments)) or 'none'
