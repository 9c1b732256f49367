"""Elements of a map that some packet is in two of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from polc.ir.intervals import Intervals
from polc.ir.selectors import Element, KeyValue

_NAME = 16
"""Bytes: a name of an interface and a NUL (IFNAMSIZ, linux/if.h)."""


def overlaps(elements: Sequence[Element]) -> Iterator[tuple[int, int]]:
    """Pairs of positions, the earlier first; for each element at most one that it meets.

    One part of the key is gone through in the order of its values, that with the most different ones.
    """
    if not elements:
        return
    rows = [tuple(map(_numbers, one)) for one in elements]
    axis = max(range(len(rows[0])), key=lambda part: len({row[part] for row in rows}))
    ranges = sorted((low, high, index) for index, row in enumerate(rows) for low, high in row[axis].ranges)
    begun: list[tuple[int, int]] = []
    told: set[int] = set()
    for low, high, index in ranges:
        begun = [one for one in begun if one[0] >= low]
        for _, other in begun:
            if other != index and index not in told and all(map(_meet, rows[index], rows[other])):
                told.add(index)
                yield min(index, other), max(index, other)
        begun.append((high, index))


def _meet(one: Intervals, other: Intervals) -> bool:
    smaller, larger = sorted((one, other), key=lambda each: len(each.ranges))
    return any(larger.meets(low, high) for low, high in smaller.ranges)


def _numbers(value: KeyValue) -> Intervals:
    """The value in numbers: names of interfaces in the order of their bytes, which makes a pattern one range."""
    if isinstance(value, Intervals):
        return value
    name = value.name.encode()
    low, high = (name.ljust(_NAME, end) for end in (b"\0", b"\xff" if value.wildcard else b"\0"))
    return Intervals(((int.from_bytes(low, "big"), int.from_bytes(high, "big")),))
