"""Names that policies give to interfaces, addresses and services, and sets of values in these names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from polc.diffing.ranges import meet, size, within
from polc.ir.addresses import AddressSet, format_range, prefixes
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import InterfacePattern, ServiceMatch

MOST_PARTS = 6
"""Ranges and names that one set is told in; what is more is counted."""
ANY = "any"
ALL_BUT = "all but "
_MOST_PREFIXES = 4
"""A range is told as prefixes where it is this many at the most, and else by its ends."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a firewall's author calls things; empty for files that have no names. ``sets`` are groups that are filled
    at run time, by the names of their sets; ``lists`` those of addresses, by the numbers that they have in a space
    (polc.proving.prepare).
    """

    zones: Mapping[str, tuple[InterfacePattern, ...]] = field(default_factory=dict)
    addresses: Mapping[str, AddressSet] = field(default_factory=dict)
    services: Mapping[str, ServiceMatch] = field(default_factory=dict)
    sets: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)


def joined(before: Names, after: Names) -> Names:
    """The names of both sides; one that means another thing on each is ``old NAME`` and ``new NAME``."""
    return Names(
        dict(_both(before.zones, after.zones)),
        dict(_both(before.addresses, after.addresses)),
        dict(_both(before.services, after.services)),
        {**before.sets, **after.sets},
    )


T = TypeVar("T")


def _both(before: Mapping[str, T], after: Mapping[str, T]) -> Iterator[tuple[str, T]]:
    for name in dict.fromkeys((*after, *before)):
        if name in before and name in after and before[name] != after[name]:
            yield f"new {name}", after[name]
            yield f"old {name}", before[name]
        else:
            yield name, after[name] if name in after else before[name]


# Addresses


def addresses_text(values: Intervals, family: Family, names: Names) -> str:
    """``@admins``, ``198.51.100.0/24, 203.0.113.7``, ``all but 10.0.0.0/8``: whichever is shorter."""
    top = (1 << family.bits) - 1
    groups = {f"@{name}": one.of_family(family) for name, one in names.addresses.items() if one.of_family(family)}
    told = _parts(values, family, groups)
    others = values.complement(0, top)
    if len(told) > 1 or size(values) > top // 2:
        without = _parts(others, family, groups)
        if len(without) < len(told):
            return ALL_BUT + listed(without)
    return listed(told)


def _parts(values: Intervals, family: Family, groups: Mapping[str, Intervals]) -> list[str]:
    """Groups that are wholly inside, the largest first, and what they leave, range by range."""
    found: list[str] = []
    left = values
    for name, group in sorted(groups.items(), key=lambda one: (-size(one[1]), one[0])):
        # A group of a single range says less than the range itself only where that is many.
        if left and within(group, left):
            found.append(name)
            left = meet(left, group.complement(0, (1 << family.bits) - 1))
    for low, high in left.ranges:
        whole = list(prefixes(family, low, high))
        if len(whole) <= _MOST_PREFIXES:
            found += (format_range(family, one, one + (1 << family.bits - length) - 1) for one, length in whole)
        else:
            found.append(format_range(family, low, high))
    return found


# Interfaces


def interfaces_text(
    classes: Intervals, words: Sequence[str], patterns: Iterable[InterfacePattern], names: Names
) -> str:
    """Zones and names of interfaces; ``words`` has a name for each class, ``patterns`` those that classes are of.
    Class 0, no interface, is left out.
    """
    inside = {at for at in range(1, len(words)) if at in classes}
    everything = set(range(1, len(words)))
    known = _covers(words, patterns, names)
    told = _cover(inside, known, words)
    without = _cover(everything - inside, known, words)
    if len(without) < len(told) and without:
        return ALL_BUT + listed(without)
    return listed(told)


def _covers(words: Sequence[str], patterns: Iterable[InterfacePattern], names: Names) -> dict[str, frozenset[int]]:
    """What can be said, with the classes for which it stands: zones first."""
    found: dict[str, frozenset[int]] = {}
    for name, zone in names.zones.items():
        found[name] = _classes(zone, words)
    for pattern in sorted(set(patterns)):
        found.setdefault(str(pattern), _classes((pattern,), words))
    return found


def _classes(patterns: Iterable[InterfacePattern], words: Sequence[str]) -> frozenset[int]:
    asked = tuple(patterns)
    return frozenset(
        at for at, word in enumerate(words) if at and any(one.covers(InterfacePattern(word)) for one in asked)
    )


def _cover(wanted: set[int], known: Mapping[str, frozenset[int]], words: Sequence[str]) -> list[str]:
    found: list[str] = []
    left = set(wanted)
    for name, classes in sorted(known.items(), key=lambda one: -len(one[1])):
        if classes and classes <= wanted and classes & left:
            found.append(name)
            left -= classes
    for at in sorted(left):
        # A class of names under wildcards that no pattern has alone, or of all names that nothing speaks of.
        above = [name for name, classes in known.items() if at in classes]
        found.append(f"others of {min(above, key=lambda one: len(known[one]))}" if above else "any other interface")
    return found


def listed(parts: Sequence[str], most: int = MOST_PARTS) -> str:
    """All of them, or the first and how many more."""
    if len(parts) <= most:
        return ", ".join(parts)
    return ", ".join(parts[: most - 1]) + f" and {len(parts) - most + 1} more"
