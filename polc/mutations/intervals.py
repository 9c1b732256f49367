"""Sets of numbers with one range that is a little wrong."""

from __future__ import annotations

from collections.abc import Iterator

from polc.ir.addresses import AddressSet, prefix_length
from polc.ir.family import FAMILIES, Family
from polc.ir.intervals import Intervals

_MOST = 8
"""Ranges of one set that are changed: the first ones and the last."""


def off_by_one(values: Intervals, highest: int) -> Iterator[Intervals]:
    """One end of one range a step further out or in; a single number moved."""
    for at, (low, high) in _ranges(values):
        if low == high:
            if high < highest:
                yield _with(values, at, (high + 1, high + 1))
            continue
        if high < highest:
            yield _with(values, at, (low, high + 1))
        yield _with(values, at, (low, high - 1))
        if low > 0:
            yield _with(values, at, (low - 1, high))
        yield _with(values, at, (low + 1, high))


def widened(values: Intervals, bits: int) -> Iterator[Intervals]:
    """One prefix a bit shorter."""
    for at, (low, high) in _ranges(values):
        size = high - low + 1
        if prefix_length(_OF_BITS[bits], low, high) is not None and size < 1 << bits:
            yield _with(values, at, (low & ~size, low | size | (size - 1)))


def narrowed(values: Intervals, bits: int) -> Iterator[Intervals]:
    """One prefix a bit longer."""
    for at, (low, high) in _ranges(values):
        size = high - low + 1
        if prefix_length(_OF_BITS[bits], low, high) is not None and size > 1:
            yield _with(values, at, (low, low + size // 2 - 1))


def without_one(values: Intervals) -> Iterator[Intervals]:
    """One range lost, of several."""
    if len(values.ranges) > 1:
        for at, _ in _ranges(values):
            yield Intervals((*values.ranges[:at], *values.ranges[at + 1 :]))


def in_family(addresses: AddressSet, of: Family, values: Intervals) -> AddressSet:
    """The addresses with other ones of one family."""
    return AddressSet(values, addresses.ip6) if of is Family.IP else AddressSet(addresses.ip, values)


def families(addresses: AddressSet) -> Iterator[tuple[Family, Intervals]]:
    """Those that have members, with them."""
    for family in FAMILIES:
        if addresses.of_family(family):
            yield family, addresses.of_family(family)


_OF_BITS = {family.bits: family for family in FAMILIES}


def _ranges(values: Intervals) -> list[tuple[int, tuple[int, int]]]:
    numbered = list(enumerate(values.ranges))
    return numbered if len(numbered) <= _MOST else [*numbered[: _MOST - 1], numbered[-1]]


def _with(values: Intervals, at: int, pair: tuple[int, int]) -> Intervals:
    return Intervals.of((*values.ranges[:at], pair, *values.ranges[at + 1 :]))
