"""Elements of sets and maps as the matches that a packet in them meets.

Services here are not normalised: "any port" is something to ask for, which a packet without ports has not.
"""

from __future__ import annotations

from collections.abc import Iterable

from polc.ir.addresses import AddressSet
from polc.ir.family import Family
from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    CtState,
    CtStateMatch,
    Direction,
    FieldMatch,
    IcmpTerm,
    InterfaceMatch,
    Match,
    PortTerm,
    ServiceMatch,
    ServiceTerm,
    Side,
)
from polc.ir.protocols import PORT_PROTOCOLS
from polc.ir.selectors import Conntrack, Element, InterfacePattern, KeyValue, Selector, Transport

_PORTS = (Transport.SPORT, Transport.DPORT)
_ANY_PORT = Intervals(((0, 65535),))
_ALWAYS_THERE = ("ip ", "ip6 ", "meta ")
_SOMETIMES = frozenset({Field.META_SKUID, Field.META_SKGID, Field.META_CGROUP, Field.META_RTCLASSID})


def matches_of(
    key: tuple[Selector, ...], element: Element, families: frozenset[Family], service: ServiceMatch | None
) -> tuple[Match, ...] | None:
    """What a packet of the element meets, beside ``service``, which the rule asks for and which is in the answer where
    the key has ports or a protocol. None: no packet meets it.
    """
    transport: dict[Transport, Intervals] = {}
    found: list[Match] = []
    for selector, value in zip(key, element, strict=True):
        match selector:
            case Transport():
                transport[selector] = _numbers(value)
            case Side():
                (family,) = families
                numbers = _numbers(value)
                own = AddressSet(ip=numbers) if family is Family.IP else AddressSet(ip6=numbers)
                found.append(AddressMatch(selector, own))
            case Direction():
                assert isinstance(value, InterfacePattern)
                found.append(InterfaceMatch(selector, (value,)))
            case Conntrack():
                states = [state for state in CtState if state.value in _numbers(value)]
                if not states:
                    return None
                found.append(CtStateMatch(_joined(states)))
            case Field():
                found.append(FieldMatch(selector, _numbers(value)))
    if transport:
        terms = _met(_terms(transport), service)
        if not terms:
            return None
        found.insert(0, ServiceMatch(tuple(terms)))
    return tuple(found)


def parts_of(key: tuple[Selector, ...], service: ServiceMatch | None) -> tuple[Match, ...] | None:
    """What a packet that has every part of a key meets, beside ``service`` as above. None: no packet has them."""
    found: list[Match] = []
    if ports := {one: _ANY_PORT for one in _PORTS if one in key}:
        terms = _met(_terms(ports), service)
        if not terms:
            return None
        found.append(ServiceMatch(tuple(terms)))
    elif service is not None:
        found.append(service)
    for one in key:
        if isinstance(one, Field) and (one in _SOMETIMES or not one.value.startswith(_ALWAYS_THERE)):
            found.append(FieldMatch(one, Intervals(((0, FIELDS[one].highest),))))
    return tuple(found)


def asks_transport(key: tuple[Selector, ...]) -> bool:
    return any(isinstance(one, Transport) for one in key)


def joined(services: Iterable[ServiceMatch]) -> ServiceMatch | None:
    """What packets meet that meet all of ``services``; None where there are none of those.

    Without terms no packet does.
    """
    found: ServiceMatch | None = None
    for one in services:
        found = one if found is None else ServiceMatch(tuple(_met(one.terms, found)))
    return found


def _terms(transport: dict[Transport, Intervals]) -> list[ServiceTerm]:
    """A packet has ports where its protocol has them."""
    numbers = transport.get(Transport.PROTOCOL, Intervals(((0, 255),)))
    ports = [transport.get(one) for one in _PORTS]
    named = any(one is not None for one in ports)
    known = sorted(PORT_PROTOCOLS) if named else range(256)
    return [PortTerm(number, *ports) for number in known if number in numbers]


def _met(terms: Iterable[ServiceTerm], service: ServiceMatch | None) -> list[ServiceTerm]:
    if service is None:
        return list(terms)
    return [both for one in terms for other in service.terms if (both := _both(one, other)) is not None]


def _both(one: ServiceTerm, other: ServiceTerm) -> ServiceTerm | None:
    if one.protocol != other.protocol:
        return None
    match one, other:
        case PortTerm(), PortTerm():
            sport, dport = _common(one.sport, other.sport), _common(one.dport, other.dport)
            empty = any(ports is not None and not ports for ports in (sport, dport))
            return None if empty else PortTerm(one.protocol, sport, dport)
        case IcmpTerm(), IcmpTerm():
            if one.type != other.type or (None not in (one.code, other.code) and one.code != other.code):
                return None
            return one if other.code is None else other
        case IcmpTerm(), PortTerm(sport=None, dport=None):
            return one
        case PortTerm(sport=None, dport=None), IcmpTerm():
            return other
        case _:
            return None


def _common(one: Intervals | None, other: Intervals | None) -> Intervals | None:
    if one is None or other is None:
        return one or other
    return Intervals.of(
        (max(low, bottom), min(high, top))
        for low, high in one.ranges
        for bottom, top in other.ranges
        if max(low, bottom) <= min(high, top)
    )


def _numbers(value: KeyValue) -> Intervals:
    assert isinstance(value, Intervals)
    return value


def _joined(states: list[CtState]) -> CtState:
    found = states[0]
    for one in states:
        found |= one
    return found
