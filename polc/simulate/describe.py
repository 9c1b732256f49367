"""Matches in words: the field that one asks for, what it wants, and what a packet has instead."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from polc.ir.addresses import AddressSet, format_range
from polc.ir.family import Family
from polc.ir.fields import CT_STATUS_BITS, FIELDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    AddressTypeMatch,
    CtState,
    CtStateMatch,
    ElementMatch,
    ExtensionHeaderMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    IcmpTerm,
    InterfaceMatch,
    Match,
    NameField,
    NameMatch,
    OpaqueMatch,
    OriginalAddressMatch,
    ReversePathMatch,
    ServiceMatch,
    ServiceTerm,
    SetMatch,
    Side,
    TcpOptionMatch,
    TraitMatch,
)
from polc.ir.protocols import ICMP_FAMILY, ICMP_TYPES, PROTOCOL_NAMES
from polc.ir.selectors import Conntrack, Direction, Element, InterfacePattern, Selector, Transport
from polc.ir.stateful import CERTAINTY, Connections, EveryNth, Hits, KeyPart, Limit, Quota, RandomMatch, RecentMatch
from polc.simulate.fields import getter, part
from polc.simulate.flight import Flight
from polc.simulate.packet_format import flags_text, kind_text, mac_text
from polc.simulate.world import World

_MOST = 6
"""Values that are listed before the rest is only counted."""
_MACS = (Field.ETHER_SADDR, Field.ETHER_DADDR)
_MARKS = (Field.META_MARK, Field.CT_MARK, Field.META_RTCLASSID)
NOTHING = "none"
"""What a packet has that lacks the field."""


def _listed(parts: Iterable[str]) -> str:
    found = list(parts)
    if len(found) > _MOST:
        return ", ".join(found[:_MOST]) + f" and {len(found) - _MOST} more"
    return ", ".join(found)


def field_of(match: Match) -> str:
    """What the match asks of a packet, by nft's name where it has one."""
    match match:
        case InterfaceMatch(direction):
            return direction.value
        case AddressMatch(side):
            return side.value
        case OriginalAddressMatch(side, reply=reply):
            return f"ct {'reply' if reply else 'original'} {side.value}"
        case ServiceMatch():
            return "service"
        case CtStateMatch():
            return "ct state"
        case FieldMatch(field, mask=mask):
            return field.value if mask is None else f"{field.value} & {mask:#x}"
        case FlagsMatch(flags, mask):
            return f"{flags.value} & ({_bits(flags, mask)})"
        case NameMatch(name_field):
            return name_field.value
        case ReversePathMatch(loose):
            return "rpfilter loose" if loose else "rpfilter"
        case AddressTypeMatch(side):
            return f"fib {side.value} type"
        case TraitMatch(trait):
            return trait.value
        case TcpOptionMatch(kind):
            return f"tcp option {kind}"
        case ExtensionHeaderMatch(header):
            return f"exthdr {header.value}"
        case SetMatch(key) | ElementMatch(key):
            return " . ".join(_selector(one) for one in key)
        case EveryNth():
            return "turn"
        case RandomMatch():
            return "chance"
        case RecentMatch(name=name):
            return f"list {name}"
        case Limit():
            return "limit"
        case Hits():
            return "hits"
        case Connections():
            return "connections"
        case Quota():
            return "quota"
        case OpaqueMatch(words):
            return words
        case _:
            assert_never(match)


def _selector(selector: Selector) -> str:
    return str(selector.value)


def wanted(match: Match, family: Family) -> str:
    """The values for which it holds, those of packets of ``family``."""
    match match:
        case InterfaceMatch(patterns=patterns, negated=negated):
            return _not(negated) + _listed(str(one) for one in patterns)
        case AddressMatch(addresses=addresses, negated=negated, group=group):
            return _not(negated) + (f"@{group}" if group else _addresses(addresses, family))
        case OriginalAddressMatch(addresses=addresses, negated=negated):
            return _not(negated) + _addresses(addresses, family)
        case ServiceMatch(terms):
            return _listed(_term(one) for one in terms if ICMP_FAMILY.get(one.protocol, family) is family)
        case CtStateMatch(states):
            return _states(states)
        case FieldMatch(field, values, negated=negated):
            return _not(negated) + _values(field, values)
        case FlagsMatch(flags, _, value, negated):
            return _not(negated) + (_bits(flags, value) or "0")
        case NameMatch(name=name, negated=negated):
            return _not(negated) + name
        case ReversePathMatch(passes=passes):
            return "passes" if passes else "fails"
        case AddressTypeMatch(types=types, negated=negated):
            return _not(negated) + _listed(one.value for one in types)
        case TraitMatch(negated=negated) | TcpOptionMatch(negated=negated) | ExtensionHeaderMatch(negated=negated):
            return "no" if negated else "yes"
        case SetMatch(set_name=name, negated=negated):
            return f"{_not(negated)}in @{name}"
        case ElementMatch(elements=elements, negated=negated):
            return f"{_not(negated)}in " + _listed(_element(one) for one in elements)
        case EveryNth(every, packet):
            return f"number {packet} of each {every}"
        case RandomMatch(threshold, negated):
            return f"{_not(negated)}{threshold / CERTAINTY:.2%}"
        case RecentMatch():
            return _recent(match)
        case Limit(rate, burst, over, key):
            unit = rate.unit.name.lower()
            return f"{'over' if over else 'under'} {rate.count}/{unit} burst {burst}{_per(key)}"
        case Hits(count, window, hit_key):
            return f"{count} in {window}s{_per((hit_key,))}"
        case Connections(count, over, key):
            return f"{'over' if over else 'at most'} {count}{_per(key)}"
        case Quota(size, over):
            return f"{'over' if over else 'at most'} {size} bytes"
        case OpaqueMatch():
            return "holds"
        case _:
            assert_never(match)


def seen(match: Match, flight: Flight, world: World) -> str:
    """What the packet has; ``none`` where it lacks the field, empty where what counts is not in the packet."""
    match match:
        case InterfaceMatch(direction):
            return (flight.iif if direction is Direction.IN else flight.oif) or NOTHING
        case AddressMatch(side):
            return _address(flight.family, flight.saddr if side is Side.SADDR else flight.daddr)
        case OriginalAddressMatch(side, reply=reply):
            if flight.flow is None:
                return NOTHING
            return _address(flight.family, flight.flow.tuple(reply)[2 if side is Side.SADDR else 3])
        case ServiceMatch():
            return _service(flight)
        case CtStateMatch():
            return _states(CtState(flight.state))
        case FieldMatch(field, mask=mask):
            value = getter(field, world)(flight)
            return NOTHING if value is None else _value(field, value if mask is None else value & mask)
        case FlagsMatch(flags, mask):
            if flags is FlagField.TCP_FLAGS:
                return (_bits(flags, flight.flags & mask) or "0") if flight.protocol == 6 else NOTHING
            return NOTHING if flight.flow is None else _bits(flags, flight.flow.status & mask) or "0"
        case NameMatch(name_field):
            if name_field is NameField.OSF_NAME:
                return flight.packet.os or NOTHING
            master = flight.flow.master if flight.flow is not None else None
            return (master.helper if master is not None else "") or NOTHING
        case AddressTypeMatch(side):
            return world.routing.fib_type(flight.family, flight.saddr if side is Side.SADDR else flight.daddr).value
        case SetMatch(key) | ElementMatch(key):
            return " . ".join(_key_part(one, flight, world) for one in key)
        case ReversePathMatch():
            hop = world.routing.lookup(flight.family, flight.saddr, flight.iif)
            return f"the source is behind {hop.interface}" if hop and hop.interface else "no route to the source"
        case TraitMatch(negated=negated) | TcpOptionMatch(negated=negated) | ExtensionHeaderMatch(negated=negated):
            return "yes" if negated else "no"
        case EveryNth() | RandomMatch() | RecentMatch() | Limit() | Hits() | Connections() | Quota() | OpaqueMatch():
            return ""
        case _:
            assert_never(match)


def _not(negated: bool) -> str:
    return "not " if negated else ""


def _address(family: Family, address: int) -> str:
    return format_range(family, address, address)


def _addresses(addresses: AddressSet, family: Family) -> str:
    ranges = addresses.of_family(family).ranges
    if not ranges:
        return "IPv6 addresses" if family is Family.IP else "IPv4 addresses"
    return _listed(format_range(family, low, high) for low, high in ranges)


def _ports(ports: Intervals) -> str:
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ports.ranges[:_MOST])


def _term(term: ServiceTerm) -> str:
    name = PROTOCOL_NAMES.get(term.protocol, f"proto {term.protocol}")
    if isinstance(term, IcmpTerm):
        types = {number: word for word, number in ICMP_TYPES[term.protocol].items()}
        code = "" if term.code is None else f"/{term.code}"
        return f"{name}/{types.get(term.type, term.type)}{code}"
    text = f"{name}/{_ports(term.dport)}" if term.dport else name
    return f"{text} sport {_ports(term.sport)}" if term.sport else text


def _service(flight: Flight) -> str:
    name = kind_text(flight.packet)
    if flight.dport < 0:
        return name
    return f"{name}/{flight.dport} sport {flight.sport}"


def _states(states: CtState) -> str:
    return ", ".join(one.name.lower() for one in CtState if one in states and one.name)


def _bits(field: FlagField, value: int) -> str:
    if field is FlagField.TCP_FLAGS:
        return flags_text(value).replace(",", " | ") if value else ""
    return " | ".join(name for name, bit in CT_STATUS_BITS.items() if value & bit)


def _value(field: Field, value: int) -> str:
    if field in _MACS:
        return mac_text(value)
    if field in _MARKS:
        return hex(value)
    if field is Field.META_HOUR:
        return f"{value // 3600:02}:{value // 60 % 60:02}:{value % 60:02}"
    return next((name for name, number in FIELDS[field].names if number == value), str(value))


def _values(field: Field, values: Intervals) -> str:
    return _listed(
        _value(field, low) if low == high else f"{_value(field, low)}-{_value(field, high)}"
        for low, high in values.ranges
    )


def _element(element: Element) -> str:
    parts = []
    for value in element:
        if isinstance(value, InterfacePattern):
            parts.append(str(value))
        else:
            parts.append(",".join(str(low) if low == high else f"{low}-{high}" for low, high in value.ranges))
    return " . ".join(parts)


def _key_part(selector: Selector, flight: Flight, world: World) -> str:
    value = part(selector, world)(flight)
    if value is None or value == "":
        return NOTHING
    match selector:
        case Side():
            return _address(flight.family, int(value))
        case Conntrack():
            return _states(CtState(int(value)))
        case Field():
            return _value(selector, int(value))
        case Direction() | Transport():
            return str(value)
        case _:
            assert_never(selector)


def _per(key: tuple[KeyPart, ...]) -> str:
    return " per " + ", ".join(one.field.value for one in key) if key else ""


def _recent(match: RecentMatch) -> str:
    words = [match.verb.value]
    if match.seconds is not None:
        words.append(f"within {match.seconds}s")
    if match.hits is not None:
        words.append(f"{match.hits} hits")
    return _not(match.negated) + " ".join(words)
