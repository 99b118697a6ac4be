# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Medians and their intervals from order statistics: exact, and true of any distribution. Pure.

Of n independent figures each lies below the true median with probability 1/2, so how many do is binomial(n, 1/2). The
k-th least and the k-th greatest therefore hold the median between them with probability 1 - 2 P(fewer than k below),
whatever the distribution (Conover, *Practical Nonparametric Statistics*, 3.2). A bootstrap of so few figures would
promise more than it keeps, and a t interval would take figures with rare slow runs for normal ones.
"""


def fewest(confidence):
    """How many figures it takes for an interval of that confidence (0.95 is 6): from the least to the greatest."""
    count = 2
    while 1 - 2.0 ** (1 - count) < confidence:
        count += 1
    return count


def median(figures):
    ranked = sorted(figures)
    half, odd = divmod(len(ranked), 2)
    return ranked[half] if odd else (ranked[half - 1] + ranked[half]) / 2.0


def interval(figures, confidence):
    """``{'median', 'low', 'high', 'confidence'}``: the narrowest pair of ranks that is sure enough, and how sure it is.

    ValueError for fewer figures than ``fewest(confidence)``.
    """
    ranked, rank, sure = sorted(figures), 0, 0.0
    outside, ways = 0.0, 1.0
    total = 2.0 ** len(ranked)
    # outside: the probability that fewer than rank + 1 figures, or as many at the other end, lie beyond the median
    for below in range(len(ranked) // 2):
        outside += 2 * ways / total
        if 1 - outside < confidence:
            break
        rank, sure = below + 1, 1 - outside
        ways = ways * (len(ranked) - below) / (below + 1)
    if not rank:
        raise ValueError('%d figures give no interval of %g %%: it takes %d' % (
            len(ranked), 100 * confidence, fewest(confidence)))
    return {'median': median(ranked), 'low': ranked[rank - 1], 'high': ranked[-rank], 'confidence': round(sure, 4)}


def compare(base, other, higher_is_better, confidence):
    """``other`` held against ``base``, round by round: figures of one round had the same neighbours.

    ``{'verdict': better|worse|no difference, 'percent', 'low_percent', 'high_percent', 'difference'}``. The difference
    is the median of the rounds' differences with its interval; where that holds zero there is none to speak of. Percents
    are of the base's median, None where that is 0.
    """
    found = interval([new - old for old, new in zip(base, other)], confidence)
    if found['low'] <= 0 <= found['high']:
        verdict = 'no difference'
    else:
        verdict = 'better' if (found['low'] > 0) == higher_is_better else 'worse'
    whole = abs(median(base))

    def percent(value):
        return round(100.0 * value / whole, 2) if whole else None
    return {'verdict': verdict, 'percent': percent(found['median']), 'low_percent': percent(found['low']),
            'high_percent': percent(found['high']), 'difference': found}
