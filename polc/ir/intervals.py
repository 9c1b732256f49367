"""Sets of integers as sorted, disjoint, non-adjacent closed intervals: ports, addresses, types."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Intervals:
    """Build with ``of``; equal sets are equal values."""

    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, ranges: Iterable[tuple[int, int]]) -> Intervals:
        """Coalesce ``(lowest, highest)`` pairs in any order, overlapping or not.

        Raises:
            ValueError: a pair is the wrong way round.
        """
        pairs = sorted(ranges)
        if len(pairs) == 1 and pairs[0][0] <= pairs[0][1]:
            return cls((pairs[0],))
        merged: list[tuple[int, int]] = []
        for low, high in pairs:
            if low > high:
                raise ValueError(f"{low} is above {high}")
            if merged and low <= merged[-1][1] + 1:
                if high > merged[-1][1]:
                    merged[-1] = (merged[-1][0], high)
            else:
                merged.append((low, high))
        return cls(tuple(merged))

    @classmethod
    def single(cls, value: int) -> Intervals:
        return cls(((value, value),))

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __contains__(self, value: int) -> bool:
        return self.covers(value, value)

    def union(self, other: Intervals) -> Intervals:
        return Intervals.of((*self.ranges, *other.ranges))

    def complement(self, lowest: int, highest: int) -> Intervals:
        """What of ``lowest..highest`` is not in this set."""
        gaps: list[tuple[int, int]] = []
        at = lowest
        for low, high in self.ranges:
            if low > at:
                gaps.append((at, min(low - 1, highest)))
            at = max(at, high + 1)
        if at <= highest:
            gaps.append((at, highest))
        return Intervals(tuple(gaps))

    def covers(self, lowest: int, highest: int) -> bool:
        """Whether the whole of ``lowest..highest`` is in this set."""
        if len(self.ranges) == 1:
            # Most sets are one range, and a call for each of its ends takes longer than the answer.
            ((low, high),) = self.ranges
            return low <= lowest and highest <= high
        at = bisect_right(self.ranges, lowest, key=lambda pair: pair[0])
        return at > 0 and highest <= self.ranges[at - 1][1]

    def meets(self, lowest: int, highest: int) -> bool:
        """Whether any of ``lowest..highest`` is in this set."""
        at = bisect_right(self.ranges, highest, key=lambda pair: pair[0])
        return at > 0 and self.ranges[at - 1][1] >= lowest


EMPTY = Intervals()
