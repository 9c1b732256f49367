"""What two sequences have in common: the longest common subsequence, by the positions in which they agree.

J. W. Hunt and T. G. Szymanski, A fast algorithm for computing longest common subsequences, 1977: quick where few
things are equal, as rules are, whose comments name their lines.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Sequence


def common(one: Sequence[Hashable], other: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Pairs of positions, ascending on both sides, at which both are equal: as many as there can be."""
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    end = 0
    while end < min(len(one), len(other)) - start and one[-1 - end] == other[-1 - end]:
        end += 1
    middle = _longest(one[start : len(one) - end], other[start : len(other) - end])
    return [
        *((at, at) for at in range(start)),
        *((start + left, start + right) for left, right in middle),
        *((len(one) - back, len(other) - back) for back in range(end, 0, -1)),
    ]


def _longest(one: Sequence[Hashable], other: Sequence[Hashable]) -> list[tuple[int, int]]:
    places: dict[Hashable, list[int]] = {}
    for position, item in enumerate(other):
        places.setdefault(item, []).append(position)
    # Of the chains of each length, the last position in `other` of the one that ends first, and how it came there.
    ends: list[int] = []
    last: list[tuple[int, int, object]] = []
    for position, item in enumerate(one):
        for place in reversed(places.get(item, ())):
            length = bisect_left(ends, place)
            link = (position, place, last[length - 1] if length else None)
            if length == len(ends):
                ends.append(place)
                last.append(link)
            else:
                ends[length], last[length] = place, link
    found: list[tuple[int, int]] = []
    node: object = last[-1] if last else None
    while isinstance(node, tuple):
        position, place, node = node
        found.append((position, place))
    return found[::-1]
