"""Tests of whether two samples differ: exact where that is cheap, without a library's weight."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from math import comb


def mann_whitney(ones: Sequence[float], others: Sequence[float]) -> float:
    """Two-sided p-value of the Mann-Whitney U test: are both samples of one distribution?

    By the normal approximation with correction for ties and continuity, which is good from about
    eight values a side on. 1 where there is nothing to tell apart.
    """
    few, many = len(ones), len(others)
    total = few + many
    counts = Counter(ones) + Counter(others)
    if not few or not many or len(counts) < 2:
        return 1.0
    ranks: dict[float, float] = {}
    below = 0
    for value in sorted(counts):
        ranks[value] = below + (counts[value] + 1) / 2
        below += counts[value]
    u = sum(ranks[value] for value in ones) - few * (few + 1) / 2
    ties = sum(count**3 - count for count in counts.values())
    variance = few * many / 12 * (total + 1 - ties / (total * (total - 1)))
    distance = abs(u - few * many / 2) - 0.5
    return min(1.0, math.erfc(max(0.0, distance) / math.sqrt(2 * variance)))


def mcnemar(one_way: int, other_way: int) -> float:
    """Two-sided p-value of McNemar's exact test, by the pairs that changed either way."""
    pairs, fewer = one_way + other_way, min(one_way, other_way)
    if one_way == other_way:
        return 1.0
    tail: int = sum(comb(pairs, count) for count in range(fewer + 1))
    return min(1.0, float(2 * tail / 2**pairs))


def separated(attempts: Iterable[tuple[int, int]]) -> float:
    """Two-sided p-value of scenarios whose old attempts all show one thing, the new ones another.

    `attempts` holds how many of each a scenario has. If both sides drew from one distribution, any
    way to deal a scenario's outcomes to its attempts would be as likely (a permutation test).
    """
    chance = 1.0
    for old, new in attempts:
        chance /= comb(old + new, old)
    return min(1.0, 2 * chance)


def holm(values: Sequence[float]) -> tuple[float, ...]:
    """p-values of several tests, each corrected for there being several (Holm-Bonferroni)."""
    corrected = [0.0] * len(values)
    most = 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        most = max(most, min(1.0, (len(values) - rank) * values[index]))
        corrected[index] = most
    return tuple(corrected)
