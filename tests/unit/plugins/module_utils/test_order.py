# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Intervals by order statistics: what they promise is what they keep."""
import itertools
import random

import pytest

from ansible_collections.cloudclock.linux.plugins.module_utils import _order


@pytest.mark.parametrize('confidence, count', [(0.5, 3), (0.75, 4), (0.9, 5), (0.95, 6), (0.99, 9), (0.999, 12)])
def test_how_many_figures_it_takes(confidence, count):
    assert _order.fewest(confidence) == count
    assert _order.compare([1] * count, [2] * count, True, confidence)['difference']['confidence'] >= confidence
    with pytest.raises(ValueError, match='%d figures give no interval' % (count - 1)):
        _order.compare([1] * (count - 1), [2] * (count - 1), True, confidence)


@pytest.mark.parametrize('count, confidence, low, high, sure', [
    (6, 0.95, 1, 6, 0.9688), (8, 0.95, 1, 8, 0.9922), (9, 0.95, 2, 8, 0.9609), (20, 0.95, 6, 15, 0.9586), (5, 0.9, 1, 5, 0.9375)])
def test_ranks_as_tables_of_the_binomial_have_them(count, confidence, low, high, sure):
    figures = list(range(1, count + 1))
    random.Random(1).shuffle(figures)
    found = _order.interval(figures, confidence)
    assert (found['low'], found['high'], found['confidence']) == (low, high, sure)


@pytest.mark.parametrize('count', [2, 3, 6, 7, 10])
@pytest.mark.parametrize('confidence', [0.5, 0.8, 0.95])
def test_coverage_counted_out(count, confidence):
    """Every way in which figures may fall below or above the median, one as likely as the other."""
    if 1 - 2.0 ** (1 - count) < confidence:
        with pytest.raises(ValueError, match='give no interval'):
            _order.interval(list(range(count)), confidence)
        return
    ranks = _order.interval(list(range(1, count + 1)), confidence)
    held = [low_ones for low_ones in map(sum, itertools.product((0, 1), repeat=count))
            if ranks['low'] <= low_ones < ranks['high']]
    assert len(held) / 2.0 ** count == pytest.approx(ranks['confidence'], abs=1e-4)
    assert ranks['confidence'] >= confidence


def test_skewed_figures_are_held_as_often_as_promised():
    dice = random.Random(5)
    hits = 0
    for dummy in range(2000):
        figures = [dice.expovariate(1.0) ** 3 for dummy in range(7)]
        found = _order.interval(figures, 0.95)
        hits += found['low'] <= 0.6931471805599453 ** 3 <= found['high']
    assert 0.97 < hits / 2000.0 <= 1.0   # 0.984 with 7 figures


def test_median():
    assert _order.median([3, 1, 2]) == 2 and _order.median([4, 1, 2, 3]) == 2.5


@pytest.mark.parametrize('base, other, higher, verdict, percent', [
    ([100, 101, 99, 100, 102, 98], [140, 139, 141, 140, 143, 138], True, 'better', 40.0),
    ([100, 101, 99, 100, 102, 98], [140, 139, 141, 140, 143, 138], False, 'worse', 40.0),
    ([10, 11, 9, 10, 12, 8], [5, 5, 5, 5, 7, 3], False, 'better', -50.0),
    # a drift that both share hides nothing that is greater than it, as it would from the two intervals
    ([100, 200, 300, 400, 500, 600], [350, 450, 550, 650, 750, 850], True, 'better', 57.1),
    # but makes nothing either: each run is ten more than the one before
    ([100, 120, 140, 160, 180, 200], [110, 130, 150, 170, 190, 210], True, 'no difference', 0.0),
    ([100, 101, 99, 100, 102, 98], [101, 100, 100, 99, 103, 97], True, 'no difference', None),
    ([5, 5, 5, 5, 5, 5], [5, 5, 5, 5, 5, 5], True, 'no difference', 0.0),
    # one round without a difference is enough not to be sure
    ([5, 5, 5, 5, 5, 5], [6, 6, 6, 6, 6, 5], True, 'no difference', None),
])
def test_verdicts(base, other, higher, verdict, percent):
    found = _order.compare(base, other, higher, 0.95)
    assert found['verdict'] == verdict
    low, high = found['difference']['low'], found['difference']['high']
    assert (low <= 0 <= high) == (verdict == 'no difference')
    if percent is not None:
        assert found['percent'] == pytest.approx(percent, abs=1.0)


def test_a_base_of_zero_has_no_percents():
    found = _order.compare([0] * 6, [1] * 6, True, 0.95)
    assert (found['verdict'], found['percent'], found['low_percent']) == ('better', None, None)


@pytest.mark.parametrize('drift', [0, 0.4, 2, 10])
@pytest.mark.parametrize('count, confidence', [(4, 0.75), (6, 0.95), (9, 0.95), (20, 0.9)])
def test_a_machine_that_gets_slower_makes_no_difference(count, confidence, drift):
    """The truth is in the interval as often as promised, whatever each run costs the next one."""
    dice = random.Random(7)
    hits, runs = 0, 500
    for dummy in range(runs):
        figures = [1000 - drift * number + dice.expovariate(0.5) + 3 * (number % 2) for number in range(2 * count)]
        found = _order.compare(figures[::2], figures[1::2], True, confidence)['difference']
        hits += found['low'] <= 3 <= found['high']
    assert hits >= found['confidence'] * runs
