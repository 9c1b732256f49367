"""Packets changed so that a match holds, or so that it just misses.

Where several values would do the first is taken, and for a near miss the nearest one that would not. What a match asks
for of which nothing here knows how a packet gets it is left to whoever tries the packet in the simulator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from polc.ir.family import Family
from polc.ir.fields import CT_STATUS_BITS, FIELDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    CtState,
    CtStateMatch,
    ExtensionHeader,
    ExtensionHeaderMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    IcmpTerm,
    InterfaceMatch,
    InterfacePattern,
    Match,
    NameField,
    NameMatch,
    OriginalAddressMatch,
    PortTerm,
    ServiceMatch,
    Side,
    TcpOptionMatch,
    Trait,
    TraitMatch,
)
from polc.ir.protocols import ICMP, ICMP_FAMILY, ICMPV6, MOBILITY, PORT_PROTOCOLS, SCTP, TCP
from polc.ir.selectors import Direction
from polc.ir.stateful import Amount, Connections, EveryNth, Hits, Limit, Quota, RecentMatch
from polc.simulate.packet import ACK, SYN, Packet, Presumed

STATES = (CtState.NEW, CtState.ESTABLISHED, CtState.RELATED, CtState.INVALID, CtState.UNTRACKED)
"""In the order in which they are easily had."""

FIRST_PORT = 40000
"""The source port of packets that none is asked of."""


_SHORTEST = 20
"""Bytes (RFC 791, 3.1)."""


def times_of(match: Match, length: int = 1500) -> int:
    """How often in a row a packet of so many bytes is sent until the match holds for it; nobody sends one that is
    shorter than a header of IPv4, whatever a rule would have it be.
    """
    length = max(length, _SHORTEST)
    match match:
        case Limit(burst=burst, over=over, rate=rate):
            return (burst if rate.amount is Amount.PACKETS else burst // length) + 1 if over else 1
        case Quota(bytes=most, over=over):
            return most // length + 1 if over else 1
        case Hits(count=count):
            return count
        case RecentMatch(hits=int() as hits):
            return hits
        case Connections(count=count, over=over):
            return count + 1 if over else 1
        case EveryNth(every, packet):
            return packet % every + 1
        case _:
            return 1


def by_header(matches: Sequence[Match]) -> list[Match]:
    """The protocol first: what else is asked for may be a part of its header."""
    return sorted(matches, key=lambda one: not isinstance(one, ServiceMatch))


def in_session(packet: Packet) -> Packet:
    """No packet of an open session is a SYN."""
    established = packet.presumed is not None and packet.presumed.state is CtState.ESTABLISHED
    if packet.protocol == TCP and packet.flags == SYN and established:
        return replace(packet, flags=ACK)
    return packet


def fit(match: Match, packet: Packet) -> Packet | None:
    """The packet changed so that the match holds; None: not known how."""
    match match:
        case InterfaceMatch(direction, patterns, negated):
            name = "polc0" if negated else name_in(patterns[0])
            return with_interface(packet, direction, name)
        case AddressMatch(side, addresses, negated):
            inside = inside_of(addresses.of_family(packet.family), negated, packet.family)
            current = address_of(packet, side)
            if current in inside:
                return packet
            return with_address(packet, side, inside.ranges[-1][0]) if inside else None
        case ServiceMatch(terms):
            term = next((one for one in terms if suits(one.protocol, packet)), None)
            return None if term is None else with_term(packet, term)
        case CtStateMatch(states):
            if packet.presumed is not None and packet.presumed.state in states:
                return packet
            state = next((one for one in STATES if one in states), None)
            return None if state is None else with_state(packet, state)
        case FieldMatch(field, values, mask, negated):
            return with_field(packet, field, values, mask, negated)
        case FlagsMatch(FlagField.TCP_FLAGS, mask, value, negated):
            if not negated:
                return replace(packet, protocol=TCP, flags=value)
            return replace(packet, protocol=TCP, flags=mask & ~value or mask)
        case FlagsMatch(FlagField.CT_STATUS, mask, value, negated):
            return with_status(packet, mask, value, negated)
        case NameMatch(NameField.CT_HELPER, name, negated):
            return replace(packet, presumed=Presumed(CtState.RELATED, helper=other_helper(name) if negated else name))
        case OriginalAddressMatch():
            return with_original(packet, match)
        case TcpOptionMatch(kind, negated):
            options = packet.options - {kind} if negated else packet.options | {kind}
            return replace(packet, options=options)
        case ExtensionHeaderMatch(header, negated):
            return without_header(packet, header) if negated else with_header(packet, header)
        case TraitMatch(Trait.FRAGMENT, False):
            return replace(packet, fragment=True, sport=None, dport=None)
        case TraitMatch(Trait.SOCKET, negated):
            return replace(packet, socket=not negated)
        case TraitMatch(negated=True):
            return packet
        case _:
            return None


def misses(match: Match, packet: Packet) -> Iterator[Callable[[Packet], Packet]]:
    """Changes of the packet after which the match should not hold, the smallest first."""
    match match:
        case InterfaceMatch(direction, patterns, negated):
            name = name_in(patterns[0]) if negated else "polc1"
            yield lambda one: with_interface(one, direction, name)
        case AddressMatch(side, addresses, negated):
            outside = inside_of(addresses.of_family(packet.family), not negated, packet.family)
            for near in nearest(outside, address_of(packet, side)):
                yield lambda one, near=near: with_address(one, side, near)  # type: ignore[misc]
        case ServiceMatch(terms):
            dport = packet.dport
            if dport is not None:
                for port in (dport + 1, dport - 1, 1, 65535):
                    if not any(isinstance(one, PortTerm) and (one.dport is None or port in one.dport) for one in terms):
                        yield lambda one, port=port: replace(one, dport=port % 65536)  # type: ignore[misc]
            other = PortTerm(TCP if packet.protocol == SCTP else SCTP)
            yield lambda one: with_term(one, other)
        case CtStateMatch(states):
            for state in STATES:
                if state not in states:
                    yield lambda one, state=state: with_state(one, state)  # type: ignore[misc]
        case FieldMatch(field, values, mask, negated):
            found = with_field(packet, field, values, mask, not negated)
            if found is not None:
                yield lambda one: found
        case FlagsMatch(FlagField.TCP_FLAGS, mask, value, negated):
            yield lambda one: replace(one, flags=value if negated else mask & ~value or mask)
        case TraitMatch(Trait.SOCKET, negated):
            yield lambda one: replace(one, socket=negated)
        case ExtensionHeaderMatch(header, negated):
            yield lambda one: (with_header if negated else without_header)(one, header) or one
        case _:
            return


def nearest(outside: Intervals, current: int) -> list[int]:
    """The values of a set that are next to ``current``, four at most."""
    edges = [edge for low, high in outside.ranges for edge in (low, high)]
    return sorted(edges, key=lambda edge: abs(edge - current))[:4]


def inside_of(values: Intervals, negated: bool, family: Family) -> Intervals:
    """The addresses of a family that a match holds for."""
    return values.complement(0, (1 << family.bits) - 1) if negated else values


def address_of(packet: Packet, side: Side) -> int:
    return packet.saddr if side is Side.SADDR else packet.daddr


def suits(protocol: int, packet: Packet) -> bool:
    """Whether packets of the family have the protocol."""
    return ICMP_FAMILY.get(protocol, packet.family) is packet.family


def name_in(pattern: InterfacePattern) -> str:
    """The interface that stands for those that a pattern covers."""
    return pattern.name + ("0" if pattern.wildcard else "")


def with_interface(packet: Packet, direction: Direction, name: str) -> Packet:
    if direction is Direction.IN:
        return replace(packet, iif=name)
    return replace(packet, oif=name)


def with_address(packet: Packet, side: Side, address: int) -> Packet:
    return replace(packet, saddr=address) if side is Side.SADDR else replace(packet, daddr=address)


def with_term(packet: Packet, term: PortTerm | IcmpTerm) -> Packet:
    """Of the term's protocol, with the first of its ports, or its type."""
    match term:
        case IcmpTerm(protocol, type, code):
            return replace(packet, protocol=protocol, type=type, code=code or 0, sport=None, dport=None, flags=0)
        case PortTerm(protocol, sport, dport):
            if protocol not in PORT_PROTOCOLS:
                kind = {ICMP: 8, ICMPV6: 128}.get(protocol, 0)
                return replace(packet, protocol=protocol, type=kind, sport=None, dport=None, flags=0)
            return replace(
                packet,
                protocol=protocol,
                sport=sport.ranges[0][0] if sport else packet.sport or FIRST_PORT,
                dport=dport.ranges[0][0] if dport else packet.dport or 9,
                flags=(packet.flags or SYN) if protocol == TCP else 0,
            )


def other_helper(name: str) -> str:
    return "irc" if name != "irc" else "ftp"


def with_header(packet: Packet, header: ExtensionHeader) -> Packet | None:
    """The packet of IPv6 with an extension header; None: it has other things that do not go with it."""
    if packet.family is not Family.IP6:
        return None
    if header is not ExtensionHeader.MH:
        return replace(packet, headers=packet.headers | {header.value})
    return replace(with_term(packet, PortTerm(MOBILITY)), mh_type=packet.mh_type or 0)


def without_header(packet: Packet, header: ExtensionHeader) -> Packet | None:
    """The packet without an extension header; None: it is what it is by it."""
    if header is ExtensionHeader.MH and packet.protocol == MOBILITY:
        return None
    return replace(packet, headers=packet.headers - {header.value})


def with_state(packet: Packet, state: CtState) -> Packet:
    if state is CtState.NEW:
        return replace(packet, presumed=None)
    # What was expected by a helper is so as long as its flow lasts.
    helper = packet.presumed.helper if packet.presumed and state is CtState.ESTABLISHED else ""
    return replace(packet, presumed=Presumed(state, helper=helper))


def with_status(packet: Packet, mask: int, value: int, negated: bool) -> Packet:
    """Of a flow with such bits: the first packet of a flow has none, and one that was expected is related."""
    if packet.presumed is None and (value == 0) is not negated:
        return packet
    status = (mask & ~value or mask) if negated else value
    if status & _EXPECTED:
        return replace(packet, presumed=Presumed(CtState.RELATED))
    state = packet.presumed.state if packet.presumed else CtState.ESTABLISHED
    if state is CtState.ESTABLISHED and not mask & _SEEN_REPLY:
        status |= _SEEN_REPLY
    return replace(packet, presumed=Presumed(state, status))


def with_original(packet: Packet, match: OriginalAddressMatch) -> Packet | None:
    """Of a flow whose first packet had such an address; of its replies nothing is presumed."""
    inside = inside_of(match.addresses.of_family(packet.family), match.negated, packet.family)
    if match.reply or not inside:
        return None
    given = packet.presumed or Presumed(CtState.ESTABLISHED)
    own = given.original or (packet.saddr, packet.sport or 0, packet.daddr, packet.dport or 0)
    wanted = inside.ranges[0][0]
    source, destination = (wanted, own[2]) if match.side is Side.SADDR else (own[0], wanted)
    return replace(packet, presumed=replace(given, original=(source, own[1], destination, own[3])))


_EXPECTED, _SEEN_REPLY = CT_STATUS_BITS["expected"], CT_STATUS_BITS["seen-reply"]

_OF_FLOWS: dict[Field, str] = {
    Field.CT_ORIGINAL_SPORT: "sport",
    Field.CT_ORIGINAL_DPORT: "dport",
    Field.CT_REPLY_SPORT: "dport",
    Field.CT_REPLY_DPORT: "sport",
}
"""Fields of a flow that its first packet shows, while no NAT changes it."""

ATTRIBUTES: dict[Field, str] = {
    Field.TTL: "ttl",
    Field.HOPLIMIT: "ttl",
    Field.IP_DSCP: "dscp",
    Field.IP6_DSCP: "dscp",
    Field.IP_ECN: "ecn",
    Field.IP6_ECN: "ecn",
    Field.META_LENGTH: "length",
    Field.IP_LENGTH: "length",
    Field.META_MARK: "mark",
    Field.META_SKUID: "uid",
    Field.META_SKGID: "gid",
    Field.META_CGROUP: "cgroup",
    Field.META_PRIORITY: "priority",
    Field.META_PKTTYPE: "pkttype",
    Field.ETHER_SADDR: "mac",
    Field.VLAN_ID: "vlan",
    Field.TCP_MSS: "mss",
    Field.ESP_SPI: "spi",
    Field.AH_SPI: "spi",
}
"""Fields that a packet has as an attribute."""


def with_field(packet: Packet, field: Field, values: Intervals, mask: int | None, negated: bool) -> Packet | None:
    """The packet with the first value that meets the match; None: not known how it gets one."""
    inside = values.complement(0, _highest(field, mask)) if negated else values
    return with_value(packet, field, inside.ranges[0][0]) if inside else None


def _highest(field: Field, mask: int | None) -> int:
    if mask is not None:
        return mask
    # Among the small ones is one that will do.
    return min(FIELDS[field].highest, 255)


def with_value(packet: Packet, field: Field, value: int) -> Packet | None:
    """The packet with a value of a field; None: not known how it gets it."""
    if field is Field.CT_MARK:
        given = packet.presumed or Presumed(CtState.ESTABLISHED)
        return replace(packet, presumed=replace(given, mark=value))
    if field is Field.CT_DIRECTION:
        return replace(packet, presumed=Presumed(CtState.ESTABLISHED, reply=True)) if value else packet
    if field is Field.CT_EXPIRATION:
        return replace(packet, presumed=packet.presumed or Presumed(CtState.ESTABLISHED))
    if field is Field.MH_TYPE:
        mobile = with_header(packet, ExtensionHeader.MH)
        return None if mobile is None else replace(mobile, mh_type=value)
    name = ATTRIBUTES.get(field) or (_OF_FLOWS.get(field) if packet.sport is not None else None)
    if name is None:
        return None
    # A segment size of nothing is as good as none.
    changes: dict[str, int] = {name: max(1, value) if field is Field.TCP_MSS else value}
    return replace(packet, **changes)  # type: ignore[arg-type]
