"""What two sets of numbers have in common."""

from __future__ import annotations

from polc.ir.intervals import Intervals


def meet(first: Intervals, second: Intervals) -> Intervals:
    """The numbers that are in both."""
    if first is second:
        return first
    left, right = first.ranges, second.ranges
    found: list[tuple[int, int]] = []
    i = j = 0
    while i < len(left) and j < len(right):
        low, high = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if low <= high:
            found.append((low, high))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return Intervals(tuple(found))


def size(values: Intervals) -> int:
    """How many numbers are in the set."""
    return sum(high - low + 1 for low, high in values.ranges)


def within(part: Intervals, whole: Intervals) -> bool:
    """Whether every number of ``part`` is in ``whole``."""
    return all(whole.covers(low, high) for low, high in part.ranges)
