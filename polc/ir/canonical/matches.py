"""Matches in one spelling, as alternatives of which each is a conjunction of simple matches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product

from polc.ir.addresses import AddressSet
from polc.ir.family import Family
from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import EMPTY, Intervals
from polc.ir.matches import (
    AddressMatch,
    AddressType,
    AddressTypeMatch,
    CtState,
    CtStateMatch,
    Direction,
    ElementMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    IcmpTerm,
    InterfaceMatch,
    InterfacePattern,
    Match,
    OriginalAddressMatch,
    PortTerm,
    ServiceMatch,
    ServiceTerm,
    SetMatch,
    Side,
    protocol_of,
)
from polc.ir.protocols import PORT_PROTOCOLS
from polc.ir.selectors import Conntrack, Element, Selector, Transport

Alternatives = list[list[Match]]
"""One of the lists must hold, of which all must; an empty list of lists: nothing can."""

_EVERY_STATE = CtState(sum(one.value for one in CtState))
_LONGEST_NAME = 15
_HIGHEST = {Field.CT_EXPIRATION: 4294966, Field.META_HOUR: 86399}
"""A flow's time left is kept in milliseconds, of 32 bits (net/netfilter/nft_ct.c); a day has so many seconds."""
_LARGEST = {Field.CT_BYTES: 1 << 63, Field.CT_PACKETS: 1 << 63}
"""What is beyond the numbers of nft's JSON is beyond those of flows."""
_ORIGINAL_PORTS = (Field.CT_ORIGINAL_SPORT, Field.CT_ORIGINAL_DPORT)
_ANYTHING: Alternatives = [[]]
_ETHER_TYPES = {Intervals.single(0x0800): Family.IP, Intervals.single(0x86DD): Family.IP6}
_TAGGED = Intervals.single(0x8100)  # IEEE 802.1Q, 9.4


def alternatives(match: Match, family: Family) -> Alternatives:
    """What a match asks of a packet of this family."""
    match match:
        case AddressMatch(side, addresses, negated):
            own = _positive(addresses.of_family(family), negated, family)
            return _of_values(own, family, AddressMatch(side, _of(family, own)))
        case OriginalAddressMatch(addresses=addresses):
            own = addresses.of_family(family)
            return [[replace(match, addresses=_of(family, own))]] if own or match.negated else []
        case InterfaceMatch(negated=True):
            return [[replace(match, patterns=(one,)) for one in map(_full, match.patterns)]]
        case InterfaceMatch():
            return [[replace(match, patterns=(one,))] for one in map(_full, match.patterns)]
        case ServiceMatch():
            service = match.of_family(family)
            return [[ServiceMatch((term,))] for term in service.terms] if service else []
        case CtStateMatch(states):
            return _ANYTHING if states == _EVERY_STATE else [[match]]
        case FieldMatch():
            return _field(match, family)
        case FlagsMatch():
            return [[_flags(match)]]
        case AddressTypeMatch():
            return _address_type(match, family)
        case ElementMatch():
            return _elements(match, family)
        case SetMatch(key=key):
            return _beside_ports(key, [[match]])
        case _:
            return [[match]]


def _of(family: Family, values: Intervals) -> AddressSet:
    return AddressSet(ip=values) if family is Family.IP else AddressSet(ip6=values)


def _positive(values: Intervals, negated: bool, family: Family) -> Intervals:
    return values.complement(0, (1 << family.bits) - 1) if negated else values


def _of_values(values: Intervals, family: Family, match: Match) -> Alternatives:
    if values.ranges == ((0, (1 << family.bits) - 1),):
        return _ANYTHING
    return [[match]] if values else []


def _full(pattern: InterfacePattern) -> InterfacePattern:
    """No longer name begins with one that is as long as names are."""
    return replace(pattern, wildcard=pattern.wildcard and len(pattern.name.encode()) < _LONGEST_NAME)


def _field(match: FieldMatch, family: Family) -> Alternatives:
    """Of a field that a packet has every value is either meant or not: negations are the other values."""
    fact = FIELDS[match.field]
    if fact.family not in (None, family):
        return []
    if match.field is Field.META_PROTOCOL and not match.negated and match.values in _ETHER_TYPES:
        return _ANYTHING if _ETHER_TYPES[match.values] is family else []
    values, mask = match.values, match.mask
    if mask == fact.highest:
        mask = None
    if mask is not None and (hosts := fact.highest & ~mask) & (hosts + 1) == 0:
        # Under the mask of a prefix a value stands for a range, and those beside each other for one.
        ends = (((low + hosts) & mask, high & mask | hosts) for low, high in values.ranges)
        values, mask = Intervals.of(pair for pair in ends if pair[0] <= pair[1]), None
    highest = _HIGHEST.get(match.field, fact.highest)
    if match.negated:
        values = values.complement(0, highest)
    largest = min(_LARGEST.get(match.field, highest + 1) - 1, highest)
    values = Intervals.of((low, highest if high >= largest else high) for low, high in values.ranges if low <= highest)
    if match.field in _ORIGINAL_PORTS:
        # Of which nft 1.0.6 has no sets.
        return [[FieldMatch(match.field, Intervals((one,)), mask)] for one in values.ranges]
    return [[FieldMatch(match.field, values, mask)]] if values else []


def _singles(values: Intervals) -> Iterator[int]:
    for low, high in values.ranges:
        yield from range(low, high + 1)


def _flags(match: FlagsMatch) -> FlagsMatch:
    """Of one bit that it is set is that it is not unset."""
    mask, value, negated = match.mask, match.value, match.negated
    if mask and mask & (mask - 1) == 0 and value == mask:
        return FlagsMatch(match.field, mask, 0, not negated)
    return match


def _address_type(match: AddressTypeMatch, family: Family) -> Alternatives:
    types = {one for one in match.types if family is Family.IP or one is not AddressType.BROADCAST}
    if not types:
        return _ANYTHING if match.negated else []
    return [[replace(match, types=tuple(sorted(types, key=lambda one: one.value)))]]


def _elements(match: ElementMatch, family: Family) -> Alternatives:
    """Those of one part, and one of several, as the matches that there are of them."""
    first = [element[0] for element in match.elements]
    values = Intervals.of(pair for part in first if isinstance(part, Intervals) for pair in part.ranges)
    if len(match.elements) == 1 and len(match.key) > 1 and not match.negated:
        ((element,), key) = match.elements, match.key
        parts = [
            alternatives(ElementMatch((one,), ((value,),)), family) for one, value in zip(key, element, strict=True)
        ]
        return [[one for option in chosen for one in option] for chosen in product(*parts)]
    match match.key:
        case (Side() as side,):
            return alternatives(AddressMatch(side, _of(family, values), match.negated), family)
        case (Field() as field,):
            return alternatives(FieldMatch(field, values, None, match.negated), family)
        case (Conntrack.STATE,):
            named = CtState(sum(one.value for one in CtState if one.value in values))
            return alternatives(CtStateMatch(_EVERY_STATE & ~named if match.negated else named), family)
        case (Transport.PROTOCOL,) if not match.negated:
            return [[ServiceMatch((PortTerm(one),))] for one in _singles(values)]
        case (Direction() as direction,):
            names = tuple(part for part in first if isinstance(part, InterfacePattern))
            return alternatives(InterfaceMatch(direction, names, match.negated), family)
        case (Transport.SPORT | Transport.DPORT as side,):
            ports = values.complement(0, 65535) if match.negated else values
            sport, dport = (ports, None) if side is Transport.SPORT else (None, ports)
            return [[ServiceMatch((PortTerm(one, sport, dport),))] for one in sorted(PORT_PROTOCOLS)]
        case (_,) if values:
            return [[replace(match, elements=((values,),))]]
        case key:
            return _beside_ports(key, [[replace(match, elements=tuple(sorted(match.elements, key=_order)))]])


def _beside_ports(key: tuple[Selector, ...], asked: Alternatives) -> Alternatives:
    """What is asked of a key, of the protocols that have all parts of it."""
    ports = ports_of(key)
    return [[*one, *port] for one in asked for port in ports]


def ports_of(key: tuple[Selector, ...]) -> Alternatives:
    """The protocols of packets that have the ports that a key has, if it has any."""
    if Transport.SPORT in key or Transport.DPORT in key:
        return [[ServiceMatch((PortTerm(one),))] for one in sorted(PORT_PROTOCOLS)]
    return _ANYTHING


def _order(element: Element) -> str:
    return repr(element)


def together(matches: Iterable[Match]) -> list[Match] | None:
    """A conjunction with at most one match for each thing that it asks, or None: no packet meets all."""
    terms: list[ServiceTerm] = []
    states = _EVERY_STATE
    values: dict[tuple[Field, int | None], FieldMatch] = {}
    addresses: dict[Side, AddressMatch] = {}
    found: list[Match] = []
    for match in matches:
        match match:
            case ServiceMatch((term,)):
                terms.append(term)
            case CtStateMatch(own):
                states &= own
            case FieldMatch():
                key = (match.field, match.mask)
                other = values.get(key)
                values[key] = match if other is None else replace(match, values=_both(match.values, other.values))
            case AddressMatch(side):
                before = addresses.get(side)
                addresses[side] = match if before is None else _both_addresses(match, before)
            case _:
                found.append(match)
    if not states or not all(one.values for one in values.values()):
        return None
    if not all(one.addresses.families for one in addresses.values()):
        return None
    if (Field.VLAN_ID, None) in values:
        # Only frames with a tag of a VLAN have one.
        values = {key: one for key, one in values.items() if key != (Field.ETHER_TYPE, None) or one.values != _TAGGED}
    found += [*values.values(), *addresses.values()]
    if states != _EVERY_STATE:
        found.append(CtStateMatch(states))
    while len(terms) > 1:
        both = _both_terms(terms.pop(), terms.pop())
        if both is None:
            return None
        terms.append(both)
    if terms and not _implied(terms[0], found):
        found.append(ServiceMatch((terms[0],)))
    return found


def disjoint(some: Iterable[Match], others: Iterable[Match]) -> bool:
    """Whether certainly no packet meets both, which is seen of one match of each alone."""
    others = tuple(others)
    return any(_exclude(one, other) for one in some for other in others)


def _exclude(one: Match, other: Match) -> bool:
    match one, other:
        case AddressMatch(side), AddressMatch() if other.side is side:
            return not _both_addresses(one, other).addresses.families
        case ServiceMatch((term,)), ServiceMatch((another,)):
            return _both_terms(term, another) is None
        case InterfaceMatch(direction, (name,), False), InterfaceMatch(_, (another,), False) if (
            other.direction is direction
        ):
            return not name.covers(another) and not another.covers(name)
        case FieldMatch(field, values, mask), FieldMatch() if (other.field, other.mask) == (field, mask):
            return not _both(values, other.values)
        case _:
            return False


def _implied(term: ServiceTerm, matches: list[Match]) -> bool:
    """Whether a protocol is that of a field that is asked for anyway."""
    match term:
        case PortTerm(protocol, None, None):
            return any(protocol_of(one) == protocol for one in matches)
        case _:
            return False


def _both(one: Intervals, other: Intervals) -> Intervals:
    pairs = [(max(a, c), min(b, d)) for a, b in one.ranges for c, d in other.ranges]
    return Intervals.of((low, high) for low, high in pairs if low <= high)


def _both_addresses(one: AddressMatch, other: AddressMatch) -> AddressMatch:
    ip = _both(one.addresses.ip, other.addresses.ip)
    return replace(one, addresses=AddressSet(ip, _both(one.addresses.ip6, other.addresses.ip6)))


def _both_terms(one: ServiceTerm, other: ServiceTerm) -> ServiceTerm | None:
    if one.protocol != other.protocol:
        return None
    match one, other:
        case PortTerm(protocol), PortTerm():
            sport, dport = _both_ports(one.sport, other.sport), _both_ports(one.dport, other.dport)
            return None if EMPTY in (sport, dport) else PortTerm(protocol, sport, dport)
        case IcmpTerm(protocol, kind, code), IcmpTerm():
            if kind != other.type or not (code is None or other.code in (None, code)):
                return None
            return IcmpTerm(protocol, kind, other.code if code is None else code)
        case PortTerm(_, None, None), IcmpTerm():
            return other
        case IcmpTerm(), PortTerm(_, None, None):
            return one
        case _:
            return None


def _both_ports(one: Intervals | None, other: Intervals | None) -> Intervals | None:
    return other if one is None else one if other is None else _both(one, other)


SYN = FlagsMatch(FlagField.TCP_FLAGS, 0x06, 0x02)
"""The packets that announce a segment size: SYN without RST."""
