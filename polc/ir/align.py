"""Which rules of two lists are the same, in the order of both."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Sequence


def common(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Pairs of positions that hold the same, rising on both sides.

    Those that stand once on each side are lined up best, as patience sorting does; the others where they touch these.
    """
    pairs = _rising(_unique(left, right))
    found: list[tuple[int, int]] = []
    before = (0, 0)
    for pair in (*pairs, (len(left), len(right))):
        found += _between(left, right, before, pair)
        if pair[0] < len(left):
            found.append(pair)
        before = (pair[0] + 1, pair[1] + 1)
    return found


def _unique(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[tuple[int, int]]:
    once_left, once_right = Counter(left), Counter(right)
    where = {one: at for at, one in enumerate(right) if once_right[one] == 1}
    return [(at, where[one]) for at, one in enumerate(left) if once_left[one] == 1 and one in where]


def _rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part of pairs, which rise on the left, that also rises on the right."""
    tops: list[int] = []
    ends: list[int] = []
    previous: list[int] = []
    for at, (_, right) in enumerate(pairs):
        pile = bisect_left(tops, right)
        previous.append(ends[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(right)
            ends.append(at)
        else:
            tops[pile], ends[pile] = right, at
    found = []
    at = ends[-1] if ends else -1
    while at >= 0:
        found.append(pairs[at])
        at = previous[at]
    return found[::-1]


def _between(
    left: Sequence[Hashable], right: Sequence[Hashable], start: tuple[int, int], end: tuple[int, int]
) -> list[tuple[int, int]]:
    """The same at the beginning and at the end of a stretch without anchors."""
    (a, b), (c, d) = start, end
    head: list[tuple[int, int]] = []
    while a < c and b < d and left[a] == right[b]:
        head.append((a, b))
        a, b = a + 1, b + 1
    tail: list[tuple[int, int]] = []
    while a < c and b < d and left[c - 1] == right[d - 1]:
        c, d = c - 1, d - 1
        tail.append((c, d))
    return [*head, *reversed(tail)]
