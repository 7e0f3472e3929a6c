"""Medians with intervals that assume nothing of the distribution: order statistics."""

import math
import statistics


def coverage(count, rank):
    """How surely the median lies between the rank-th smallest and the rank-th largest of `count` values."""
    outside = sum(math.comb(count, k) for k in range(rank)) / 2 ** count
    return 1 - 2 * outside


def median_interval(values, level=0.95):
    """(median, low, high, coverage): the narrowest such interval that covers `level`; the whole range, with
    what it covers, where there are too few values for that (fewer than 6)."""
    ordered = sorted(values)
    rank = 1
    while 2 * (rank + 1) <= len(ordered) and coverage(len(ordered), rank + 1) >= level:
        rank += 1
    return (statistics.median(ordered), ordered[rank - 1], ordered[-rank],
            coverage(len(ordered), rank))
