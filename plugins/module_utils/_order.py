# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Medians and their intervals from order statistics: exact, and true of any distribution. Pure.

Of n independent figures each lies below the true median with probability 1/2, so how many do is binomial(n, 1/2). The
k-th least and the k-th greatest therefore hold the median between them with probability 1 - 2 P(fewer than k below),
whatever the distribution (Conover, *Practical Nonparametric Statistics*, 3.2). A bootstrap of so few figures would
promise more than it keeps, and a t interval would take figures with rare slow runs for normal ones.
"""


def fewest(confidence):
    """How many rounds it takes to compare with that confidence (0.95 is 6)."""
    count = 2
    while surest(count) < confidence:
        count += 1
    return count


def surest(count):
    """How sure a comparison of that many rounds can be at most: by the least and the greatest of their differences."""
    return _sure((count, count - 1), (1, 1))


def median(figures):
    ranked = sorted(figures)
    half, odd = divmod(len(ranked), 2)
    return ranked[half] if odd else (ranked[half - 1] + ranked[half]) / 2.0


def interval(figures, confidence):
    """``{'median', 'low', 'high', 'confidence'}``: the narrowest pair of ranks that is sure enough, and how sure it is.

    ValueError for too few figures.
    """
    counts = [len(figures)]
    ranks = _ranks(counts, confidence)
    low, high = _ends(figures, *ranks)
    return {'median': median(figures), 'low': low, 'high': high, 'confidence': round(_sure(counts, ranks), 4)}


def _sure(counts, ranks):
    """How sure it is that the rank-th least and the rank-th greatest of so many figures hold their median; the mean of
    several."""
    total = 0.0
    for count, rank in zip(counts, ranks):
        outside, ways = 0.0, 1.0
        for below in range(rank):
            outside += 2 * ways / 2.0 ** count
            ways = ways * (count - below) / (below + 1)
        total += 1 - outside
    return total / len(counts)


def _ranks(counts, confidence):
    """The greatest that are sure enough."""
    ranks, grown = [1] * len(counts), True
    if _sure(counts, ranks) < confidence:
        raise ValueError('%d figures give no interval of %g %%' % (max(counts), 100 * confidence))
    while grown:
        grown = False
        for at, count in enumerate(counts):
            ranks[at] += 1
            if 2 * ranks[at] <= count and _sure(counts, ranks) >= confidence:
                grown = True
            else:
                ranks[at] -= 1
    return ranks


def _ends(figures, rank):
    ranked = sorted(figures)
    return ranked[rank - 1], ranked[-rank]


def compare(base, other, higher_is_better, confidence):
    """``other`` held against ``base``: each of its figures against the base's of the same round, which came before it, and
    of the next round, which came after it.

    ``{'verdict': better|worse|no difference, 'percent', 'low_percent', 'high_percent', 'difference'}``. The difference
    is what lies half way between the medians of both, and its interval reaches over those of both; where that holds
    zero there is no difference to speak of. Percents are of the base's median, None where that is 0.

    A machine that gets slower from run to run shifts both by as much, to opposite sides, so the truth stays between
    them. The interval lies wholly beside it only where that of one lies wholly above or that of the other wholly below
    its own: 1 - (1 - a) / 2 - (1 - b) / 2, the mean of what both are worth.
    """
    pairs = ([new - old for old, new in zip(base, other)], [new - old for old, new in zip(base[1:], other)])
    counts = [len(pair) for pair in pairs]
    ranks = _ranks(counts, confidence)
    ends = [end for pair, rank in zip(pairs, ranks) for end in _ends(pair, rank)]
    found = {'median': sum(median(pair) for pair in pairs) / 2.0, 'low': min(ends), 'high': max(ends),
             'confidence': round(_sure(counts, ranks), 4)}
    if found['low'] <= 0 <= found['high']:
        verdict = 'no difference'
    else:
        verdict = 'better' if (found['low'] > 0) == higher_is_better else 'worse'
    whole = abs(median(base))

    def percent(value):
        return round(100.0 * value / whole, 2) if whole else None
    return {'verdict': verdict, 'percent': percent(found['median']), 'low_percent': percent(found['low']),
            'high_percent': percent(found['high']), 'difference': found}
