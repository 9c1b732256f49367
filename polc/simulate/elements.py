"""Elements of sets and maps: which one a packet's key is in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from polc.ir.intervals import Intervals
from polc.ir.selectors import Element, InterfacePattern, KeyValue
from polc.simulate.memory import Key

_T = TypeVar("_T")


def contains(values: Intervals) -> Callable[[int], bool]:
    """A test for membership that is quick for the number of ranges there are."""
    ranges = values.ranges
    if not ranges:
        return lambda value: False
    if len(ranges) == 1:
        ((low, high),) = ranges
        if low == high:
            return lambda value: value == low
        return lambda value: low <= value <= high
    if len(ranges) <= 64 and all(low == high for low, high in ranges):
        return frozenset(low for low, _ in ranges).__contains__
    # Every second edge begins a gap.
    edges = [edge for low, high in ranges for edge in (low, high + 1)]
    return lambda value: bisect_right(edges, value) & 1 == 1


def _part(value: KeyValue) -> Callable[[int | str], bool]:
    if isinstance(value, InterfacePattern):
        name = value.name
        if value.wildcard:
            return lambda given: isinstance(given, str) and given.startswith(name) and given != ""
        return lambda given: given == name
    within = contains(value)
    return lambda given: isinstance(given, int) and within(given)


def _single(value: KeyValue) -> int | str | None:
    """The one value that a part stands for, or None."""
    if isinstance(value, InterfacePattern):
        return None if value.wildcard else value.name
    return value.ranges[0][0] if len(value.ranges) == 1 and value.ranges[0][0] == value.ranges[0][1] else None


class Lookup(Generic[_T]):
    """From a packet's key to what its element leads to. Elements are disjoint."""

    def __init__(self, elements: Iterable[tuple[Element, _T]]) -> None:
        self._exact: dict[Key, _T] = {}
        self._wide: list[tuple[tuple[Callable[[int | str], bool], ...], _T]] = []
        for element, value in elements:
            singles = [_single(one) for one in element]
            if all(one is not None for one in singles):
                self._exact[tuple(one for one in singles if one is not None)] = value
            else:
                self._wide.append((tuple(_part(one) for one in element), value))

    def get(self, key: Key) -> _T | None:
        found = self._exact.get(key)
        if found is not None or not self._wide:
            return found
        for parts, value in self._wide:
            if all(part(given) for part, given in zip(parts, key, strict=True)):
                return value
        return None


class NamedSet:
    """A set whose elements change at run time. Elements whose time is over are not there."""

    def __init__(self, elements: tuple[Element, ...], size: int | None, timeout: int | None, now: int) -> None:
        self._size = size
        self._timeout = timeout
        self._wide: Lookup[bool] = Lookup((one, True) for one in elements if any(_single(part) is None for part in one))
        self._wide_count = sum(1 for one in elements if any(_single(part) is None for part in one))
        self._first: list[Key] = []
        for one in elements:
            singles = tuple(part for part in map(_single, one) if part is not None)
            if len(singles) == len(one):
                self._first.append(singles)
        self.reset(now)

    def reset(self, now: int) -> None:
        """As it was loaded, and that now."""
        self._wide_until = None if self._timeout is None else now + self._timeout
        self._until: dict[Key, int | None] = dict.fromkeys(self._first, self._wide_until)

    def holds(self, key: Key, now: int) -> bool:
        until = self._until.get(key, 0)
        if until is None or until > now:
            return True
        return (self._wide_until is None or self._wide_until > now) and self._wide.get(key) is not None

    def add(self, key: Key, now: int, timeout: int | None, *, renew: bool) -> bool:
        """Puts an element in, for ``timeout`` nanoseconds (None: the set's own); False: the set is full."""
        seconds = self._timeout if timeout is None else timeout
        until = None if seconds is None else now + seconds
        if self.holds(key, now):
            if renew and key in self._until:
                self._until[key] = until
            return True
        if self._size is not None and len(self._until) + self._wide_count >= self._size:
            self._until = {one: end for one, end in self._until.items() if end is None or end > now}
            if len(self._until) + self._wide_count >= self._size:
                return False
        self._until[key] = until
        return True

    def remove(self, key: Key) -> None:
        self._until.pop(key, None)

    def elements(self, now: int) -> list[Key]:
        """Those that have come at run time or were single ones in the beginning, and are still there."""
        return [key for key, until in self._until.items() if until is None or until > now]
