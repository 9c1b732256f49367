"""Faults in what rules ask for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from polc.ir.family import FAMILIES
from polc.ir.fields import FIELDS
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    STATEFUL,
    AddressMatch,
    AddressTypeMatch,
    CtState,
    CtStateMatch,
    ElementMatch,
    ExtensionHeaderMatch,
    FieldMatch,
    FlagsMatch,
    IcmpTerm,
    InterfaceMatch,
    InterfacePattern,
    Match,
    NameMatch,
    OriginalAddressMatch,
    PortTerm,
    ReversePathMatch,
    ServiceMatch,
    ServiceTerm,
    SetMatch,
    TcpOptionMatch,
    TraitMatch,
)
from polc.ir.protocols import TCP, UDP
from polc.ir.selectors import Element, Side, Transport
from polc.ir.services import normalise
from polc.mutations.intervals import families, in_family, narrowed, off_by_one, widened, without_one

ELSEWHERE = "polc9"
"""An interface that no rule names."""

_LAST_PORT = 65535
_NEGATABLE = (
    InterfaceMatch, AddressMatch, OriginalAddressMatch, FieldMatch, FlagsMatch, NameMatch, AddressTypeMatch, TraitMatch,
    TcpOptionMatch, ExtensionHeaderMatch, SetMatch, ElementMatch,
)  # fmt: skip


def negation_lost(match: Match) -> Iterator[Match | None]:
    if isinstance(match, _NEGATABLE) and match.negated:
        yield replace(match, negated=False)


def negation_added(match: Match) -> Iterator[Match | None]:
    if isinstance(match, _NEGATABLE) and not match.negated:
        yield replace(match, negated=True)
    elif isinstance(match, ReversePathMatch):
        yield replace(match, passes=not match.passes)


def lost(match: Match) -> Iterator[Match | None]:
    if not isinstance(match, STATEFUL):
        yield None


def port(match: Match) -> Iterator[Match | None]:
    if isinstance(match, ServiceMatch):
        for at, term in enumerate(match.terms):
            if isinstance(term, PortTerm):
                for name, values in (("sport", term.sport), ("dport", term.dport)):
                    for other in off_by_one(values, _LAST_PORT) if values is not None else ():
                        changed = replace(term, sport=other) if name == "sport" else replace(term, dport=other)
                        yield _with_term(match, at, changed)
    elif isinstance(match, ElementMatch):
        for elements in _elements(match, (Transport.SPORT, Transport.DPORT)):
            yield replace(match, elements=elements)


def port_lost(match: Match) -> Iterator[Match | None]:
    """One range of several."""
    if isinstance(match, ServiceMatch):
        for at, term in enumerate(match.terms):
            if isinstance(term, PortTerm) and term.dport is not None:
                for other in without_one(term.dport):
                    yield _with_term(match, at, replace(term, dport=other))


def protocol(match: Match) -> Iterator[Match | None]:
    if isinstance(match, ServiceMatch):
        for at, term in enumerate(match.terms):
            if isinstance(term, PortTerm) and term.protocol in (TCP, UDP):
                yield _with_term(match, at, replace(term, protocol=UDP if term.protocol == TCP else TCP))


def icmp_type(match: Match) -> Iterator[Match | None]:
    if isinstance(match, ServiceMatch):
        for at, term in enumerate(match.terms):
            if isinstance(term, IcmpTerm) and term.type < 255:
                yield _with_term(match, at, replace(term, type=term.type + 1))


def icmp_code(match: Match) -> Iterator[Match | None]:
    """One that none was asked for, or another one."""
    if isinstance(match, ServiceMatch):
        for at, term in enumerate(match.terms):
            if isinstance(term, IcmpTerm):
                yield _with_term(match, at, replace(term, code=0 if term.code is None else term.code ^ 1))


def prefix_widened(match: Match) -> Iterator[Match | None]:
    if isinstance(match, AddressMatch | OriginalAddressMatch):
        for family, values in families(match.addresses):
            for other in widened(values, family.bits):
                yield replace(match, addresses=in_family(match.addresses, family, other))


def prefix_narrowed(match: Match) -> Iterator[Match | None]:
    if isinstance(match, AddressMatch | OriginalAddressMatch):
        for family, values in families(match.addresses):
            for other in narrowed(values, family.bits):
                yield replace(match, addresses=in_family(match.addresses, family, other))


def address(match: Match) -> Iterator[Match | None]:
    if isinstance(match, AddressMatch | OriginalAddressMatch):
        for family, values in families(match.addresses):
            for other in off_by_one(values, (1 << family.bits) - 1):
                yield replace(match, addresses=in_family(match.addresses, family, other))
    elif isinstance(match, ElementMatch):
        for elements in _elements(match, tuple(Side)):
            yield replace(match, elements=elements)


def addresses_lost(match: Match) -> Iterator[Match | None]:
    """One range of several, or the members of one family."""
    if isinstance(match, AddressMatch | OriginalAddressMatch):
        for family, values in families(match.addresses):
            for other in without_one(values):
                yield replace(match, addresses=in_family(match.addresses, family, other))


def element_lost(match: Match) -> Iterator[Match | None]:
    if isinstance(match, ElementMatch) and len(match.elements) > 1:
        for at in range(min(len(match.elements), 8)):
            yield replace(match, elements=(*match.elements[:at], *match.elements[at + 1 :]))


def side(match: Match) -> Iterator[Match | None]:
    if isinstance(match, AddressMatch):
        yield replace(match, side=Side.DADDR if match.side is Side.SADDR else Side.SADDR)
    elif isinstance(match, ServiceMatch):
        for at, term in enumerate(match.terms):
            if isinstance(term, PortTerm) and term.sport != term.dport:
                yield _with_term(match, at, replace(term, sport=term.dport, dport=term.sport))


def interface(match: Match) -> Iterator[Match | None]:
    if isinstance(match, InterfaceMatch):
        yield replace(match, patterns=(InterfacePattern(ELSEWHERE),))
        for at, one in enumerate(match.patterns):
            if len(match.patterns) > 1:
                yield replace(match, patterns=(*match.patterns[:at], *match.patterns[at + 1 :]))
            if one.wildcard:
                yield replace(
                    match, patterns=(*match.patterns[:at], replace(one, wildcard=False), *match.patterns[at + 1 :])
                )


def state_lost(match: Match) -> Iterator[Match | None]:
    if isinstance(match, CtStateMatch):
        for one in CtState:
            if one in match.states and one != match.states:
                yield CtStateMatch(match.states & ~one)


def state_added(match: Match) -> Iterator[Match | None]:
    if isinstance(match, CtStateMatch):
        for one in CtState:
            if one not in match.states:
                yield CtStateMatch(match.states | one)


def flag_bits(match: Match) -> Iterator[Match | None]:
    """Bits tested as one of several, or one of them not looked at any more."""
    if isinstance(match, FlagsMatch):
        for bit in _bits(match.mask):
            if match.mask != bit:
                yield replace(match, mask=match.mask & ~bit, value=match.value & ~bit)
            yield replace(match, value=match.value ^ bit)
        if match.value and match.value & (match.value - 1):
            yield replace(match, mask=match.value, value=0, negated=not match.negated)


def field_value(match: Match) -> Iterator[Match | None]:
    if isinstance(match, FieldMatch):
        highest = FIELDS[match.field].highest if match.mask is None else match.mask
        for other in off_by_one(match.values, highest):
            if match.mask is None or all(value & ~match.mask == 0 for pair in other.ranges for value in pair):
                yield replace(match, values=other)


def mask_lost(match: Match) -> Iterator[Match | None]:
    if isinstance(match, FieldMatch) and match.mask is not None:
        yield replace(match, mask=None)


def address_type(match: Match) -> Iterator[Match | None]:
    if isinstance(match, AddressTypeMatch) and len(match.types) > 1:
        for at in range(len(match.types)):
            yield replace(match, types=(*match.types[:at], *match.types[at + 1 :]))


def _with_term(match: ServiceMatch, at: int, term: ServiceTerm) -> ServiceMatch:
    return normalise((*match.terms[:at], term, *match.terms[at + 1 :]))


def _elements(match: ElementMatch, parts: tuple[object, ...]) -> Iterator[tuple[Element, ...]]:
    """With a number of one part of one element off by one."""
    for at, element in enumerate(match.elements[:8]):
        for place, selector in enumerate(match.key):
            value = element[place]
            if selector in parts and isinstance(value, Intervals):
                for other in off_by_one(value, _highest(selector, value)):
                    changed = (*element[:place], other, *element[place + 1 :])
                    if not any(_meet(changed, one) for one in match.elements if one is not element):
                        yield (*match.elements[:at], changed, *match.elements[at + 1 :])


def _highest(selector: object, value: Intervals) -> int:
    if isinstance(selector, Side):
        return (1 << max(one.bits for one in FAMILIES if value.ranges[-1][1] >> one.bits == 0 or one.bits == 128)) - 1
    return _LAST_PORT


def _meet(one: Element, other: Element) -> bool:
    """Whether two elements have a key in common."""
    for mine, theirs in zip(one, other, strict=True):
        if isinstance(mine, Intervals) and isinstance(theirs, Intervals):
            if not any(mine.meets(low, high) for low, high in theirs.ranges):
                return False
        elif mine != theirs:
            return False
    return True


def _bits(mask: int) -> Iterator[int]:
    return (1 << at for at in range(mask.bit_length()) if mask >> at & 1)
