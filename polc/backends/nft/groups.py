"""Groups of addresses as named sets, and how large sets are written so that the kernel takes them fast.

A million single addresses load in 5 seconds as a set of single elements, in 17 as one of ranges (nft 1.0.6, Linux
6.18). So a large set of both is two, and a few neighbours, which are a range to us, stand there one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from polc.backends.nft.definitions import SetDefinition
from polc.backends.nft.expressions import Addresses, SetReference
from polc.backends.nft.names import FreshNames, is_name
from polc.ir.addresses import AddressSet
from polc.ir.family import FAMILIES, Family
from polc.ir.intervals import EMPTY, Intervals
from polc.ir.matches import AddressMatch
from polc.ir.selectors import ADDRESS_TYPES

LARGE = 1024
"""From how many ranges on it is worth a second lookup to keep single addresses apart."""

_NEIGHBOURS = 4
"""Ranges of as many addresses are written one by one there."""

SUFFIX = {Family.IP: "v4", Family.IP6: "v6"}


@dataclass(frozen=True, slots=True)
class Parts:
    """A set as single addresses and as ranges; either may be empty."""

    singles: Intervals
    ranges: Intervals


@dataclass(slots=True)
class Groups:
    """The named sets that groups have become, each once. ``names`` gives names that the table does not have yet."""

    names: FreshNames
    _parts: dict[int, tuple[Intervals, Parts]] = field(default_factory=dict)
    _named: dict[tuple[Family, str], list[tuple[Intervals, SetDefinition]]] = field(default_factory=dict)

    def options(self, match: AddressMatch) -> tuple[AddressMatch, ...]:
        """The match as those that have one set each, of which one must hold (negated: all)."""
        families = [family for family in FAMILIES if match.addresses.of_family(family)]
        if len(families) != 1:
            return (match,)
        (family,) = families
        parts = self._split(match.addresses.of_family(family))
        if not (parts.singles and parts.ranges):
            return (match,)
        named = f"{match.group}-nets" if match.group else ""
        return (
            replace(match, addresses=_only(family, parts.singles)),
            replace(match, addresses=_only(family, parts.ranges), group=named),
        )

    def right(
        self, family: Family, values: Intervals, group: str
    ) -> tuple[Addresses | SetReference, SetDefinition | None]:
        """What addresses are compared with, and the set that has to be declared for that."""
        if not group or not is_name(group) or len(values.ranges) == 1:
            return self._addresses(family, values), None
        known = self._named.setdefault((family, group), [])
        for own, definition in known:
            if own.ranges is values.ranges or own == values:
                return SetReference(definition.name), definition
        definition = self._define(family, values, group)
        known.append((values, definition))
        return SetReference(definition.name), definition

    def _define(self, family: Family, values: Intervals, group: str) -> SetDefinition:
        elements = self._addresses(family, values)
        single = elements.each or all(low == high for low, high in values.ranges)
        name = self.names.like(f"{group}-{SUFFIX[family]}")
        return SetDefinition(name, (ADDRESS_TYPES[family].value,), interval=not single, elements=elements)

    def _addresses(self, family: Family, values: Intervals) -> Addresses:
        """Of a large set what is left after ``options`` is of one kind."""
        return Addresses(family, values, each=bool(self._split(values).singles))

    def _split(self, values: Intervals) -> Parts:
        if len(values.ranges) < LARGE:
            return Parts(EMPTY, values)
        known = self._parts.get(id(values.ranges))
        if known is None:
            # The ranges are kept beside, so that no other object gets their identity.
            known = self._parts[id(values.ranges)] = values, _parts(values)
        return known[1]


def _parts(values: Intervals) -> Parts:
    singles = Intervals(tuple(pair for pair in values.ranges if pair[1] - pair[0] < _NEIGHBOURS))
    if len(singles.ranges) == len(values.ranges):
        return Parts(values, EMPTY)
    if len(singles.ranges) < LARGE:
        return Parts(EMPTY, values)
    return Parts(singles, Intervals(tuple(pair for pair in values.ranges if pair[1] - pair[0] >= _NEIGHBOURS)))


def _only(family: Family, values: Intervals) -> AddressSet:
    return AddressSet(ip=values) if family is Family.IP else AddressSet(ip6=values)
