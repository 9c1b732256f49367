"""A packet that meets what a rule and the way to it ask for, on one of the paths to its hook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from polc.ir.family import Family
from polc.ir.fields import FIELDS
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    STATEFUL,
    AddressMatch,
    CtState,
    CtStateMatch,
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
    ReversePathMatch,
    ServiceMatch,
    Side,
    protocol_of,
)
from polc.ir.protocols import ICMP, ICMPV6, PORT_PROTOCOLS, TCP
from polc.ir.selectors import Conntrack, Direction, Element, Selector, Transport
from polc.ir.stateful import Amount, Limit, Quota, Rate
from polc.probing.fit import (
    ATTRIBUTES,
    address_of,
    fit,
    in_session,
    inside_of,
    name_in,
    suits,
    with_address,
    with_interface,
    with_state,
    with_value,
)
from polc.probing.linked import asks, is_as_asked
from polc.probing.paths import Links, Path
from polc.simulate.host import LOOPBACK
from polc.simulate.packet import SYN, Packet

_LONG = 1400
"""Bytes of packets that are to come to many bytes soon."""

_ECHO = {ICMP: 8, ICMPV6: 128}
_LATE = (CtStateMatch, FlagsMatch)
"""Matches that are fitted last: what they ask for depends on the protocol, or is changed by the others."""


def build(path: Path, family: Family, matches: Sequence[Match], links: Links, serial: int) -> Packet | None:
    """None: no packet is so on this path, or it is not known how one gets so."""
    names = _interfaces(path, matches, links)
    if names is None:
        return None
    packet = _with_service(links.packet(path, family, serial, *names), matches)
    for side in Side:
        if packet is not None:
            packet = _with_address(packet, side, matches)
    for match in sorted(matches, key=lambda one: isinstance(one, _LATE)):
        if packet is None:
            return None
        match match:
            case InterfaceMatch() | AddressMatch() | ServiceMatch():
                continue
            case ReversePathMatch(passes=False):
                other = next(links.others(packet.iif), "") if packet.iif else ""
                packet = replace(packet, saddr=links.far(other, family, serial)) if other else packet
            case ElementMatch(key, elements, negated):
                packet = packet if negated else _with_element(packet, key, elements[0])
            case OriginalAddressMatch(side, addresses, negated, reply) if not _is_asked(shown(side, reply), matches):
                # While no NAT changes it, its first packet has them.
                wanted = inside_of(addresses.of_family(family), negated, family)
                packet = with_address(packet, shown(side, reply), _usual(wanted, family)) if wanted else None
            case Limit(over=True, rate=Rate(amount=Amount.BYTES)) | Quota(over=True):
                packet = replace(packet, length=packet.length or _LONG)
            case _ if isinstance(match, STATEFUL):
                continue
            case _:
                packet = _of_protocol(match, packet)
                # What nothing here can give a packet it may have all the same: the simulator is asked.
                packet = fit(match, packet) or packet
    if packet is None or (path is Path.OUTPUT and _is_loopback(packet)):
        return None
    return in_session(packet)


def shown(side: Side, reply: bool) -> Side:
    """The address of the first packet that one of its flow is."""
    return side if not reply else Side.SADDR if side is Side.DADDR else Side.DADDR


def _is_asked(side: Side, matches: Sequence[Match]) -> bool:
    return any(isinstance(one, AddressMatch) and one.side is side for one in matches)


def _is_loopback(packet: Packet) -> bool:
    """Whether its destination is the host by any name: then it never leaves."""
    return packet.daddr >> 24 == 127 if packet.family is Family.IP else packet.daddr == 1


def _of_protocol(match: Match, packet: Packet) -> Packet:
    wanted = protocol_of(match)
    if wanted is None or wanted == packet.protocol:
        return packet
    return _with_term(packet, PortTerm(wanted), None)


def holds(match: Match, packet: Packet) -> bool:
    """Whether the packet meets the match, as far as the packet alone shows it."""
    match match:
        case InterfaceMatch(direction, patterns, negated):
            name = interface_of(packet, direction)
            return any(one.covers(InterfacePattern(name)) for one in patterns) is not negated
        case AddressMatch(side, addresses, negated):
            return (address_of(packet, side) in addresses.of_family(packet.family)) is not negated
        case ServiceMatch(terms):
            return any(is_term(term, packet) for term in terms)
        case FlagsMatch(FlagField.TCP_FLAGS, mask, value, negated):
            return packet.protocol == TCP and (packet.flags & mask == value) is not negated
        case CtStateMatch(states):
            return (packet.presumed.state if packet.presumed else CtState.NEW) in states
        case FieldMatch(field, values, mask, negated) if field in ATTRIBUTES:
            value = getattr(packet, ATTRIBUTES[field])
            if value is None:
                return True
            return ((value if mask is None else value & mask) in values) is not negated
        case _:
            return True


def interface_of(packet: Packet, direction: Direction) -> str:
    """As rules see it: what the host sends to itself comes in by ``lo``."""
    if direction is Direction.IN:
        return packet.iif or (LOOPBACK if packet.oif == LOOPBACK else "")
    return packet.oif


def is_term(term: PortTerm | IcmpTerm, packet: Packet) -> bool:
    if term.protocol != packet.protocol:
        return False
    match term:
        case IcmpTerm(_, type, code):
            return packet.type == type and code in (None, packet.code)
        case PortTerm(_, sport, dport):
            return all(
                wanted is None or (port is not None and port in wanted)
                for wanted, port in ((sport, packet.sport), (dport, packet.dport))
            )


def _interfaces(path: Path, matches: Sequence[Match], links: Links) -> tuple[str, str] | None:
    """The names of the interfaces in and out, empty where any will do or where the path has none."""
    found: dict[Direction, str] = {}
    for direction in Direction:
        wanted = [one for one in matches if isinstance(one, InterfaceMatch) and one.direction is direction]
        own = [one for one in matches if asks(one, direction)]
        if not (wanted or own):
            continue
        there = _has(path, direction)
        names = [LOOPBACK] if path is Path.LOOP else [*_named(wanted), *links.others("")]
        there_are = (one for one in names if one in links.names or one == LOOPBACK)
        suit = (one for one in there_are if _suit(wanted, one) and is_as_asked(links.host, one, own, direction))
        name = next(suit, None)
        if not there or name is None or (name == LOOPBACK and path is not Path.LOOP):
            return None
        found[direction] = name
    return found.get(Direction.IN, ""), found.get(Direction.OUT, "")


def _has(path: Path, direction: Direction) -> bool:
    match path:
        case Path.INPUT:
            return direction is Direction.IN
        case Path.OUTPUT:
            return direction is Direction.OUT
        case Path.FORWARD | Path.LOOP:
            return True


def _named(wanted: Sequence[InterfaceMatch]) -> Iterator[str]:
    for match in wanted:
        if not match.negated:
            yield from (one.name + ("0" if one.wildcard else "") for one in match.patterns)


def _suit(wanted: Sequence[InterfaceMatch], name: str) -> bool:
    return all(
        any(one.covers(InterfacePattern(name)) for one in match.patterns) is not match.negated for match in wanted
    )


def _with_address(packet: Packet, side: Side, matches: Sequence[Match]) -> Packet | None:
    highest = (1 << packet.family.bits) - 1
    inside = Intervals(((0, highest),))
    for match in matches:
        if isinstance(match, AddressMatch) and match.side is side:
            inside = common(
                inside, inside_of(match.addresses.of_family(packet.family), match.negated, packet.family), highest
            )
    if address_of(packet, side) in inside:
        return packet
    return with_address(packet, side, _usual(inside, packet.family)) if inside else None


def _usual(inside: Intervals, family: Family) -> int:
    """One that hosts can have, where there is one: networks and broadcasts are at the ends."""
    low, high = next((one for one in inside.ranges if _is_usual(one[0], family)), inside.ranges[-1])
    return min(low + 9, high - 1) if high - low > 1 else low


def _is_usual(address: int, family: Family) -> bool:
    return (
        0 < address >> 24 < 224 and address >> 24 != 127
        if family is Family.IP
        else address > 1 and address >> 120 != 255
    )


def common(one: Intervals, other: Intervals, highest: int) -> Intervals:
    """What is in both sets."""
    return one.complement(0, highest).union(other.complement(0, highest)).complement(0, highest)


def _with_service(packet: Packet, matches: Sequence[Match]) -> Packet | None:
    """A term of each, which go together."""
    wanted = [one for one in matches if isinstance(one, ServiceMatch)]
    if not wanted:
        return packet
    joined: list[PortTerm | IcmpTerm] = [one for one in wanted[0].terms if suits(one.protocol, packet)]
    for match in wanted[1:]:
        joined = [both for one in joined for other in match.terms if (both := _joined(one, other)) is not None]
    return _with_term(packet, joined[0], packet.sport) if joined else None


def _joined(one: PortTerm | IcmpTerm, other: PortTerm | IcmpTerm) -> PortTerm | IcmpTerm | None:
    if one.protocol != other.protocol:
        return None
    match one, other:
        case PortTerm(protocol, sport, dport), PortTerm(_, other_sport, other_dport):
            ports = [_ports(sport, other_sport), _ports(dport, other_dport)]
            if any(both is not None and not both for both in ports):
                return None
            return PortTerm(protocol, *ports)
        case IcmpTerm(protocol, type, code), IcmpTerm(_, other_type, other_code):
            if type != other_type or (code is not None and other_code is not None and code != other_code):
                return None
            return IcmpTerm(protocol, type, other_code if code is None else code)
        case IcmpTerm(), _:
            return one
        case _:
            return other


def _ports(one: Intervals | None, other: Intervals | None) -> Intervals | None:
    if one is None or other is None:
        return other if one is None else one
    return common(one, other, 65535)


def _with_term(packet: Packet, term: PortTerm | IcmpTerm, sport: int | None) -> Packet:
    bare = replace(packet, protocol=term.protocol, sport=None, dport=None, flags=0, type=0, code=0)
    match term:
        case IcmpTerm(_, type, code):
            return replace(bare, type=type, code=code or 0, id=packet.id or (packet.sport or 0) & 0x7FFF)
        case PortTerm(protocol, sports, dports):
            if protocol not in PORT_PROTOCOLS:
                identified = (packet.sport or 0) & 0x7FFF if protocol in _ECHO else 0
                return replace(bare, type=_ECHO.get(protocol, 0), id=identified)
            return replace(
                bare,
                sport=sport if sports is None or (sport or 0) in sports else sports.ranges[0][0],
                dport=(packet.dport or 9) if dports is None or (packet.dport or 9) in dports else dports.ranges[0][0],
                flags=(packet.flags or SYN) if protocol == TCP else 0,
            )


def _with_element(packet: Packet, key: tuple[Selector, ...], element: Element) -> Packet | None:
    found: Packet | None = packet
    # A port is one of the protocol that is asked for.
    for selector, value in sorted(zip(key, element, strict=True), key=lambda pair: pair[0] is not Transport.PROTOCOL):
        if found is None:
            return None
        found = _with_part(found, selector, value)
    return found


def _with_part(packet: Packet, selector: Selector, value: Intervals | InterfacePattern) -> Packet | None:
    if isinstance(value, InterfacePattern):
        assert isinstance(selector, Direction)
        return with_interface(packet, selector, name_in(value))
    first = value.ranges[0][0]
    match selector:
        case Side():
            return with_address(packet, selector, first)
        case Transport.PROTOCOL:
            return _with_term(packet, PortTerm(first), packet.sport)
        case Transport.SPORT:
            return replace(packet, sport=first)
        case Transport.DPORT:
            return replace(packet, dport=first)
        case Conntrack():
            return with_state(packet, CtState(first))
        case Direction():
            return None
        case _:
            return with_value(packet, selector, min(first, FIELDS[selector].highest))
