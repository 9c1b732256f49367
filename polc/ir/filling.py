"""What somebody puts into named sets by hand once they are loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod

from polc.ir.intervals import Intervals
from polc.ir.ruleset import DynamicSet, Ruleset
from polc.ir.selectors import Element, InterfacePattern, KeyType, KeyValue

_HIGHEST: dict[KeyType, int] = {
    KeyType.IPV4_ADDR: (1 << 32) - 1,
    KeyType.IPV6_ADDR: (1 << 128) - 1,
    KeyType.INET_SERVICE: 65535,
    KeyType.INET_PROTO: 255,
    KeyType.CT_STATE: 64,
    KeyType.MARK: (1 << 32) - 1,
    KeyType.ETHER_ADDR: (1 << 48) - 1,
}


_IN_PIECES = frozenset({KeyType.IPV4_ADDR, KeyType.IPV6_ADDR})
"""Parts of which a range takes the place of few."""


@dataclass(frozen=True, slots=True)
class Filling:
    """``elements`` for the set ``name`` of a table (``inet polc``), whose keys are of ``types``."""

    table: str
    name: str
    types: tuple[KeyType, ...]
    elements: tuple[Element, ...]


def table_of(ruleset: Ruleset) -> str:
    """What fillings call a ruleset."""
    return f"{ruleset.family.value} {ruleset.table}"


def assigned(rulesets: Sequence[Ruleset], fillings: Sequence[Filling]) -> list[tuple[DynamicSet, ...]]:
    """The sets of each ruleset that something is put into, with that alone for elements.

    Where no table has the name that a filling gives, those with such a set are meant: a firewall may have been
    translated. What a set cannot have, or has already, is left out.
    """
    found: list[dict[str, DynamicSet]] = [{} for _ in rulesets]
    for filling in fillings:
        holders = [(at, one) for at, ruleset in enumerate(rulesets) for one in ruleset.sets if one.name == filling.name]
        own = [(at, one) for at, one in holders if table_of(rulesets[at]) == filling.table]
        for at, one in own or holders:
            before = found[at].get(one.name)
            known = one.elements + (before.elements if before else ())
            new = tuple(_taken(one, known, filling))
            if new:
                found[at][one.name] = replace(one, elements=(before.elements if before else ()) + new)
    return [tuple(some.values()) for some in found]


def filled(rulesets: Sequence[Ruleset], fillings: Sequence[Filling]) -> list[Ruleset]:
    """The rulesets with all that is put into their sets."""
    return [_with(ruleset, sets) for ruleset, sets in zip(rulesets, assigned(rulesets, fillings), strict=True)]


def _with(ruleset: Ruleset, sets: Sequence[DynamicSet]) -> Ruleset:
    more = {one.name: one.elements for one in sets}
    if not more:
        return ruleset
    return replace(
        ruleset, sets=tuple(replace(one, elements=one.elements + more.get(one.name, ())) for one in ruleset.sets)
    )


def _taken(one: DynamicSet, known: Sequence[Element], filling: Filling) -> Iterator[Element]:
    if filling.types != one.types:
        return
    there = list(known)
    for element in filling.elements:
        room = one.size is None or sum(_count(one.types, each) for each in (*there, element)) <= one.size
        if room and can_hold(one, element) and not any(have_common(element, other) for other in there):
            there.append(element)
            yield element


def _count(types: Sequence[KeyType], element: Element) -> int:
    """How much of a set's room an element takes: on iptables ports come one by one."""
    return prod(
        sum(high - low + 1 for low, high in value.ranges) if part not in _IN_PIECES else len(value.ranges)
        for part, value in zip(types, element, strict=True)
        if isinstance(value, Intervals)
    )


def can_hold(one: DynamicSet, element: Element) -> bool:
    """Whether the set's keys can be such: without ``intervals`` it has single values alone."""
    return len(element) == len(one.types) and all(
        _can_be(part, value, ranges=one.intervals) for part, value in zip(one.types, element, strict=True)
    )


def _can_be(part: KeyType, value: KeyValue, *, ranges: bool) -> bool:
    if isinstance(value, InterfacePattern):
        return part is KeyType.IFNAME and not value.wildcard
    if part is KeyType.IFNAME or not value:
        return False
    single = len(value.ranges) == 1 and value.ranges[0][0] == value.ranges[0][1]
    return (ranges or single) and value.ranges[-1][1] <= _HIGHEST[part]


def have_common(one: Element, other: Element) -> bool:
    """Whether some key is in both elements."""
    return all(_meet(*pair) for pair in zip(one, other, strict=True))


def _meet(one: KeyValue, other: KeyValue) -> bool:
    match one, other:
        case InterfacePattern(), InterfacePattern():
            return one.covers(other) or other.covers(one)
        case Intervals(), Intervals():
            return any(other.meets(low, high) for low, high in one.ranges)
        case _:
            return False
