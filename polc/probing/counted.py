"""Packets of which nobody knows whether each has found a token: how many of them did is known all the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from polc.probing.told import UNKNOWN, Told
from polc.probing.watch import Way

_SLACK = 2
"""Packets by which more or fewer may have found one than with each of the clocks that are tried: at the beginning and
at the end of a row."""


def miscounted(
    rows: Sequence[Sequence[Told]], seen: Sequence[Told], ways: Sequence[Way], certain: Sequence[bool]
) -> Iterator[tuple[int, Told]]:
    """Of each bucket whose packets were let through more or less often than any clock explains, one that was not to be,
    by number, and what should have become of it. ``rows`` have what becomes of all packets with each of the clocks;
    those that are ``certain`` are not counted.
    """
    for asked in _of_buckets(ways, certain).values():
        numbers = [one for one in asked if all(row[one].verdict != UNKNOWN for row in (seen, *rows))]
        for verdict in {seen[one].verdict for one in numbers} | {row[one].verdict for row in rows for one in numbers}:
            counts = [sum(row[one].verdict == verdict for one in numbers) for row in rows]
            count = sum(seen[one].verdict == verdict for one in numbers)
            if min(counts) - _SLACK <= count <= max(counts) + _SLACK:
                continue
            nearest = rows[counts.index(max(counts) if count > max(counts) else min(counts))]
            at = next(one for one in reversed(numbers) if nearest[one].verdict != seen[one].verdict)
            yield at, nearest[at]
            break


def _of_buckets(ways: Sequence[Way], certain: Sequence[bool]) -> dict[object, list[int]]:
    """The numbers of packets that asked one bucket alone, by bucket."""
    found: dict[object, list[int]] = {}
    for number, (way, sure) in enumerate(zip(ways, certain, strict=True)):
        buckets = {bucket for bucket, _ in way.buckets}
        if not sure and len(buckets) == 1 and not way.by_chance:
            found.setdefault(buckets.pop(), []).append(number)
    return found
