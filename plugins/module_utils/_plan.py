# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of clocksource is to do, in check mode too."""
from . import _gates


def decide(params, facts, rows, gauge):
    """What to do, before anything is done: the result's shape with ``name``, ``action``, ``gates``.

    ``gauge`` measures for it and completes ``facts``; None where the machine is not this one.
    """
    clock = facts['clocksource']
    result = {key: clock[key] for key in ('verdict', 'reason', 'source', 'recommended')}
    result.update(action='none', refused=False, speedup=None, measured_by=None, name=params['name'],
                  before={'source': clock['current'], 'ns': None}, after={'source': clock['current'], 'ns': None})
    if params['name'] == 'auto':
        if clock['verdict'] in ('optimal', 'acceptable'):
            return dict(result, name=clock['current'])
        result['name'] = clock['recommended']
    elif params['name'] == clock['current']:
        return dict(result, reason='%s is in use' % clock['current'])
    if result['name'] is None:
        return dict(result, action='refused', refused=clock['verdict'] in ('slow', 'unsafe', 'unknown'))
    _gates_in(result, params, facts, rows)
    if gauge is None or result['refused']:
        return result
    result['before']['ns'] = gauge.before(facts)
    result['measured_by'] = gauge.by
    vain = gauge.in_vain(result)
    if vain:
        return dict(result, action='none', name=clock['current'], reason=vain)
    if result['name'] == 'tsc':
        gauge.warp(facts)
    _gates_in(result, params, facts, rows)
    return result


def _gates_in(result, params, facts, rows):
    """Puts each gate into ``result``, and what follows: a refusal, or the switch."""
    gates, voucher = _gates.judge(result['name'], facts, rows, params['force'])
    failed = [gate['reason'] for gate in gates.values() if gate['passed'] is False]
    result.update(gates=gates, vouched_by=voucher, action='refused' if failed else 'switched', refused=bool(failed))
    if failed:
        result['reason'] = '; '.join(failed)
