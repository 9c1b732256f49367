"""A rule's matches by the places that they have in a rule of a policy: one of each kind, the rest is left over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from polc.ir.addresses import AddressSet
from polc.ir.family import FAMILIES, Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    STATEFUL,
    AddressMatch,
    CtState,
    CtStateMatch,
    ElementMatch,
    FieldMatch,
    InterfaceMatch,
    Match,
    OpaqueMatch,
    PortTerm,
    ServiceMatch,
    ServiceTerm,
    SetMatch,
    Side,
)
from polc.ir.protocols import PORT_PROTOCOLS
from polc.ir.selectors import Conntrack, Direction, InterfacePattern, Transport
from polc.ir.services import normalise
from polc.ir.stateful import Connections, EveryNth, Hits, Limit, Quota, RandomMatch, RecentMatch

EVERY_STATE = CtState(sum(one.value for one in CtState))


@dataclass(slots=True)
class Slots:
    """``counted`` are the stateful matches in their order, ``fields`` what stands behind ``where``, ``left`` what has
    no place beside the others.
    """

    interfaces: dict[Direction, InterfaceMatch] = field(default_factory=dict)
    addresses: dict[Side, AddressMatch] = field(default_factory=dict)
    sets: dict[Side, list[SetMatch]] = field(default_factory=dict)
    service: ServiceMatch | None = None
    states: CtStateMatch | None = None
    fields: list[Match] = field(default_factory=list)
    counted: list[Match] = field(default_factory=list)
    left: list[Match] = field(default_factory=list)

    @property
    def never(self) -> bool:
        """Whether several matches of one kind exclude each other."""
        no_state = self.states is not None and not self.states.states
        return no_state or any(not (one.negated or one.addresses.families) for one in self.addresses.values())

    @property
    def stateless(self) -> tuple[Match, ...]:
        """The matches that have a place, but the counted ones."""
        return (
            *self.interfaces.values(),
            *self.addresses.values(),
            *(match for some in self.sets.values() for match in some),
            *((self.service,) if self.service else ()),
            *((self.states,) if self.states else ()),
            *self.fields,
        )


def sort(matches: Iterable[Match], families: frozenset[Family]) -> Slots:
    """The matches of a rule that speaks of ``families``."""
    slots = Slots()
    addresses: dict[Side, list[AddressMatch]] = {}
    for match in (plain(one, families) for one in matches):
        if isinstance(match, STATEFUL):
            slots.counted.append(match)
            continue
        match match:
            case InterfaceMatch(direction):
                if slots.interfaces.setdefault(direction, match) != match:
                    slots.left.append(match)
            case AddressMatch(side):
                addresses.setdefault(side, []).append(match)
            case SetMatch(key=(Side() as side,)):
                slots.sets.setdefault(side, []).append(match)
            case ServiceMatch():
                if slots.service not in (None, match):
                    slots.left.append(match)
                slots.service = slots.service or match
            case CtStateMatch(states):
                states &= slots.states.states if slots.states else EVERY_STATE
                slots.states = CtStateMatch(states)
            case SetMatch() | ElementMatch() if not _is_protocol(match):
                slots.left.append(match)
            case _:
                slots.fields.append(match)
    if slots.states == CtStateMatch(EVERY_STATE):
        slots.states = None
    for side, some in addresses.items():
        slots.addresses[side] = some[0] if len(some) == 1 else _together(side, some, families)
    for side in tuple(slots.sets):
        _beside_sets(slots, side)
    for match in tuple(slots.left):
        service = _with_ports(slots.service, match)
        if service:
            slots.service = service
            slots.left.remove(match)
    return slots


def _with_ports(service: ServiceMatch | None, match: Match) -> ServiceMatch | None:
    """The service with the ports that a set holds, None where the two do not fit together."""
    if not isinstance(match, ElementMatch) or match.key not in ((Transport.SPORT,), (Transport.DPORT,)):
        return None
    values = _numbers(match.elements)
    if match.negated:
        values = values.complement(0, 65535)
    terms: list[ServiceTerm] = []
    for term in service.terms if service else ():
        if not isinstance(term, PortTerm) or term.protocol not in PORT_PROTOCOLS or not values:
            return None
        if match.key == (Transport.SPORT,) and term.sport is None:
            terms.append(replace(term, sport=values))
        elif match.key == (Transport.DPORT,) and term.dport is None:
            terms.append(replace(term, dport=values))
        else:
            return None
    return normalise(terms) if terms else None


def plain(match: Match, families: frozenset[Family]) -> Match:
    """Elements of one part as the match that there is of it; where they are addresses, the rule is of one family."""
    match match:
        case ElementMatch((Side() as side,), elements, negated):
            return AddressMatch(side, of_family(next(iter(families)), _numbers(elements)), negated)
        case ElementMatch((Field() as one,), elements, negated):
            return FieldMatch(one, _numbers(elements), None, negated)
        case ElementMatch((Conntrack.STATE,), elements, negated):
            values = _numbers(elements)
            named = CtState(sum(one.value for one in CtState if one.value in values))
            return CtStateMatch(EVERY_STATE & ~named if negated else named)
        case ElementMatch((Direction() as direction,), elements, negated):
            patterns = tuple(part for (part,) in elements if isinstance(part, InterfacePattern))
            return InterfaceMatch(direction, patterns, negated)
        case _:
            return match


def _is_protocol(match: Match) -> bool:
    return isinstance(match, ElementMatch) and match.key == (Transport.PROTOCOL,)


def _numbers(elements: Iterable[tuple[object, ...]]) -> Intervals:
    return Intervals.of(
        pair for element in elements for part in element if isinstance(part, Intervals) for pair in part.ranges
    )


def of_family(family: Family, values: Intervals) -> AddressSet:
    return AddressSet(ip=values) if family is Family.IP else AddressSet(ip6=values)


def _together(side: Side, some: list[AddressMatch], families: frozenset[Family]) -> AddressMatch:
    """One match for several of one side."""
    refused = AddressSet()
    for one in some:
        refused = refused.union(one.addresses) if one.negated else refused
    wanted = [one.addresses for one in some if not one.negated]
    if not wanted:
        return AddressMatch(side, refused, True)
    found = AddressSet()
    for family in FAMILIES:
        if family in families:
            highest = (1 << family.bits) - 1
            outside = refused.of_family(family)
            for own in wanted:
                outside = outside.union(own.of_family(family).complement(0, highest))
            found = found.union(of_family(family, outside.complement(0, highest)))
    return AddressMatch(side, found)


def _beside_sets(slots: Slots, side: Side) -> None:
    """Addresses and sets of one side are alternatives where they are wanted, and all refused where they are not."""
    some, fixed = slots.sets[side], slots.addresses.get(side)
    first = some[0]
    if not first.negated:
        slots.sets[side] = [first]
        slots.left += some[1:]
        if fixed:
            slots.left.append(slots.addresses.pop(side))
        return
    slots.sets[side] = [one for one in some if one.negated]
    slots.left += [one for one in some if not one.negated]
    if fixed and not fixed.negated:
        slots.left += slots.sets.pop(side)


def place_of(match: Match) -> int:
    """The place of a stateful match among those of a rule: a policy's clauses have one order."""
    match match:
        case Connections():
            return 0
        case Limit(over=False):
            return 1
        case Limit():
            return 2
        case Hits():
            return 3
        case Quota():
            return 4
        case RecentMatch():
            return 5
        case EveryNth():
            return 6
        case RandomMatch():
            return 7
        case _:
            return 8


def in_one_rule(counted: list[Match]) -> int:
    """How many of the stateful matches, from the first on, can stand in one rule."""
    before = -1
    for number, match in enumerate(counted):
        place = place_of(match)
        again = place == before and isinstance(match, OpaqueMatch) and _alike(match, counted[number - 1])
        if place <= before and not again:
            return number
        before = place
    return len(counted)


def _alike(match: OpaqueMatch, other: Match) -> bool:
    """Whether both are in the words of one target."""
    return isinstance(other, OpaqueMatch) and other.syntax is match.syntax
