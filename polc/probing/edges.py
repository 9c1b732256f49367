"""The boundaries of a match: packets at each end of what it holds for, and just outside of it.

A packet that meets the match is changed in what the match looks at, and in nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from polc.ir.addresses import format_address
from polc.ir.family import Family
from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    AddressType,
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
    OriginalAddressMatch,
    PortTerm,
    ServiceMatch,
    SetMatch,
    Side,
    TcpOptionMatch,
    Trait,
    TraitMatch,
)
from polc.ir.protocols import PORT_PROTOCOLS, PROTOCOL_NAMES, SCTP, TCP, UDP
from polc.ir.selectors import Direction, Transport
from polc.probing.build import interface_of, is_term, shown
from polc.probing.fit import (
    STATES,
    in_session,
    other_helper,
    suits,
    with_address,
    with_header,
    with_state,
    with_term,
    with_value,
    without_header,
)
from polc.probing.paths import Links
from polc.simulate.host import LOOPBACK
from polc.simulate.packet import SYN, Packet, Presumed

_RANGES = 8
"""Of how many ranges of a set the ends are tried."""

_FLAG_BITS = 8
_ELSEWHERE = 0x40


@dataclass(frozen=True, slots=True)
class Edge:
    """``inside``: the match is to hold for the packet; ``about`` says which edge it is."""

    packet: Packet
    inside: bool
    about: str


def edges(match: Match, packet: Packet, links: Links) -> Iterator[Edge]:
    """Packets around the boundaries of a match that ``packet`` meets; none of a match that asks for a history."""
    match match:
        case InterfaceMatch():
            yield from _interfaces(match, packet, links)
        case AddressMatch(side, addresses, negated):
            yield from _addresses(packet, side, addresses.of_family(packet.family), negated)
        case ServiceMatch(terms):
            yield from _services(terms, packet)
        case CtStateMatch(states):
            for state in STATES:
                one = in_session(with_state(packet, state))
                yield Edge(one, state in states, f"state {(state.name or '').lower()}")
        case FieldMatch(field, values, mask, negated):
            yield from _field(packet, field, values, mask, negated)
        case FlagsMatch(FlagField.TCP_FLAGS, mask, value, negated):
            yield from _flags(packet, mask, value, negated)
        case TcpOptionMatch(kind, negated):
            options = packet.options ^ {kind}
            yield Edge(
                replace(packet, options=options), False, f"tcp option {kind} {'there' if negated else 'not there'}"
            )
        case TraitMatch(Trait.SOCKET, negated):
            yield Edge(replace(packet, socket=negated), False, f"{'a' if negated else 'no'} transparent socket")
        case ExtensionHeaderMatch(header, negated):
            other = with_header(packet, header) if negated else without_header(packet, header)
            if other is not None:
                yield Edge(other, False, f"header {header.value} {'there' if negated else 'not there'}")
        case OriginalAddressMatch(side, addresses, negated, reply) if packet.presumed is None:
            # While no NAT changes them, its first packet has them.
            yield from _addresses(packet, shown(side, reply), addresses.of_family(packet.family), negated)
        case NameMatch(NameField.CT_HELPER, name, negated):
            yield Edge(replace(packet, presumed=Presumed(CtState.RELATED)), False, "no helper")
            helper = name if negated else other_helper(name)
            yield Edge(replace(packet, presumed=Presumed(CtState.RELATED, helper=helper)), False, f"helper {helper}")
        case AddressTypeMatch(side, types, negated):
            yield from _types(packet, side, types, negated)
        case SetMatch(key, _, negated):
            for side in (one for one in key if isinstance(one, Side)):
                address = packet.saddr if side is Side.SADDR else packet.daddr
                yield Edge(with_address(packet, side, address ^ _ELSEWHERE), negated, f"{side.value} elsewhere")
                yield Edge(with_address(packet, side, address + 1), negated, f"{side.value}, one behind")
        case ElementMatch(key, elements, negated):
            for part, selector in enumerate(key):
                if isinstance(selector, Side | Transport):
                    parts = [element[part] for element in elements[:_RANGES]]
                    sets = [one for one in parts if isinstance(one, Intervals)]
                    yield from _element_part(packet, selector, sets, negated)
        case _:
            return


def _ends(values: Intervals, current: int | None) -> list[tuple[int, int]]:
    """Ranges of a set: the one that a value is in, the first and the last."""
    ranges = values.ranges
    own = [one for one in ranges if current is not None and one[0] <= current <= one[1]]
    return list(dict.fromkeys((*own, *ranges[:1], *ranges[-1:], *ranges[1:2])))[:_RANGES]


def around(values: Intervals, current: int | None, highest: int) -> Iterator[tuple[int, bool, str]]:
    """Numbers at the ends of the ranges of a set and beside them, whether they are in it, and what they are."""
    for low, high in _ends(values, current):
        yield low, True, "first"
        if high != low:
            yield high, True, "last"
        if low > 0 and low - 1 not in values:
            yield low - 1, False, "one before"
        if high < highest and high + 1 not in values:
            yield high + 1, False, "one behind"


def _addresses(packet: Packet, side: Side, values: Intervals, negated: bool) -> Iterator[Edge]:
    current = packet.saddr if side is Side.SADDR else packet.daddr
    for value, is_in, name in around(values, current, (1 << packet.family.bits) - 1):
        yield Edge(
            with_address(packet, side, value),
            is_in is not negated,
            f"{side.value} {format_address(packet.family, value)}, {name}",
        )


def _interfaces(match: InterfaceMatch, packet: Packet, links: Links) -> Iterator[Edge]:
    direction, patterns = match.direction, match.patterns
    current = interface_of(packet, direction)
    if current == LOOPBACK:
        return
    other_end = packet.oif if direction is Direction.IN else packet.iif

    def moved(name: str) -> Packet:
        return replace(packet, iif=name) if direction is Direction.IN else replace(packet, oif=name)

    named = [one.name for one in patterns] + [one.name + "0" for one in patterns if one.wildcard]
    others = [one for one in links.others(current) if one != other_end]
    for name in [*dict.fromkeys(one for one in named if one in links.names)][:_RANGES]:
        if name != current:
            yield Edge(moved(name), not match.negated, f"{direction.value} {name}")
    for name in [one for one in others if not _covered(one, match)][:1]:
        yield Edge(moved(name), match.negated, f"{direction.value} {name}")


def _covered(name: str, match: InterfaceMatch) -> bool:
    return any(name.startswith(one.name) if one.wildcard else name == one.name for one in match.patterns)


def _services(terms: Sequence[PortTerm | IcmpTerm], packet: Packet) -> Iterator[Edge]:
    usable = [one for one in terms if suits(one.protocol, packet)]
    protocols = {one.protocol for one in usable}
    for term in usable[: 2 * _RANGES]:
        base = packet if term.protocol == packet.protocol else with_term(packet, term)
        match term:
            case PortTerm(protocol, sport, dport):
                for name, values in (("sport", sport), ("dport", dport)):
                    if values is not None:
                        yield from _ports(base, name, values, usable)
                if protocol != packet.protocol and sport is None and dport is None:
                    yield Edge(base, True, _protocol(protocol))
            case IcmpTerm(protocol, type, code):
                yield from _icmp(base, type, code, usable)
    for protocol in (UDP, TCP, SCTP):
        if protocol not in protocols:
            yield Edge(_of_protocol(packet, protocol), False, _protocol(protocol))
            return


def _protocol(number: int) -> str:
    return f"protocol {PROTOCOL_NAMES.get(number, number)}"


def _of_protocol(packet: Packet, protocol: int) -> Packet:
    """The same packet, ports included, of another protocol with ports."""
    sport, dport = (packet.sport, packet.dport) if packet.protocol in PORT_PROTOCOLS else (40000, 9)
    return replace(
        packet, protocol=protocol, sport=sport, dport=dport, type=0, code=0, id=0, flags=SYN if protocol == TCP else 0
    )


def _ports(packet: Packet, name: str, values: Intervals, terms: Sequence[PortTerm | IcmpTerm]) -> Iterator[Edge]:
    current = packet.sport if name == "sport" else packet.dport
    for value, _, what in around(values, current, 65535):
        made = replace(packet, sport=value) if name == "sport" else replace(packet, dport=value)
        inside = any(is_term(term, made) for term in terms)
        yield Edge(made, inside, f"{name} {value}, {what}")


def _icmp(packet: Packet, type: int, code: int | None, terms: Sequence[PortTerm | IcmpTerm]) -> Iterator[Edge]:
    for one in (type - 1, type, type + 1):
        if 0 <= one <= 255:
            made = replace(packet, type=one, code=code or 0)
            yield Edge(made, any(is_term(term, made) for term in terms), f"type {one}")
    for one in ((code or 0) + 1, (code or 0) - 1):
        if 0 <= one <= 255:
            made = replace(packet, type=type, code=one)
            yield Edge(made, any(is_term(term, made) for term in terms), f"type {type} code {one}")


def _field(packet: Packet, field: Field, values: Intervals, mask: int | None, negated: bool) -> Iterator[Edge]:
    highest = FIELDS[field].highest
    for value, is_in, what in around(values, None, highest if mask is None else mask):
        if mask is not None and value & ~mask:
            continue
        made = with_value(packet, field, value)
        if made is not None:
            yield Edge(in_session(made), is_in is not negated, f"{field.value} {value:#x}, {what}")
    if mask is not None and mask != highest:
        # Bits outside the mask do not count.
        value = values.ranges[0][0] & mask | (highest & ~mask)
        made = with_value(packet, field, value)
        if made is not None:
            yield Edge(in_session(made), not negated, f"{field.value} {value:#x}, other bits set")


def _flags(packet: Packet, mask: int, value: int, negated: bool) -> Iterator[Edge]:
    tried = {value, mask & ~value, *(value ^ 1 << bit for bit in range(_FLAG_BITS))}
    for flags in sorted(tried - {packet.flags}):
        yield Edge(replace(packet, flags=flags), (flags & mask == value) is not negated, f"flags {flags:#04x}")


def _types(packet: Packet, side: Side, types: Sequence[AddressType], negated: bool) -> Iterator[Edge]:
    if side is not Side.DADDR or packet.family is not Family.IP:
        return
    for kind, address in ((AddressType.BROADCAST, 0xFFFFFFFF), (AddressType.MULTICAST, 0xE0000001)):
        yield Edge(with_address(packet, side, address), (kind in types) is not negated, f"daddr {kind.value}")


def _element_part(
    packet: Packet, selector: Side | Transport, values: Sequence[Intervals], negated: bool
) -> Iterator[Edge]:
    # Whether the whole key is then in another element the simulator says.
    for part in values:
        match selector:
            case Side():
                yield from _addresses(packet, selector, part, negated)
            case Transport.SPORT | Transport.DPORT:
                yield from _ports(packet, selector.value, part, ())
            case Transport.PROTOCOL:
                return
