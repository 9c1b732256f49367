"""Points of a space as packets of the simulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from polc.diffing.pick import Point
from polc.diffing.roads import Road
from polc.ir.fields import CT_STATUS_BITS, TCP_FLAG_BITS, Field
from polc.ir.matches import CtState, FlagField, NameField, Trait
from polc.ir.protocols import ICMP, ICMPV6, PORT_PROTOCOLS, TCP
from polc.simulate import Packet, Presumed
from polc.symbolic.space import OPTIONAL, STATES, Of, Space, Variable


class NoPacket(Exception):
    """The simulator has no such packet; the message says what it would take."""


_PLAIN: dict[Field, str] = {
    Field.TTL: "ttl", Field.HOPLIMIT: "ttl", Field.IP_DSCP: "dscp", Field.IP6_DSCP: "dscp", Field.IP_ECN: "ecn",
    Field.IP6_ECN: "ecn", Field.META_LENGTH: "length", Field.IP_LENGTH: "length", Field.TCP_MSS: "mss",
    Field.META_SKUID: "uid", Field.META_SKGID: "gid", Field.META_CGROUP: "cgroup", Field.META_PKTTYPE: "pkttype",
    Field.ETHER_SADDR: "mac", Field.ETHER_DADDR: "mac_to", Field.VLAN_ID: "vlan", Field.META_CPU: "cpu",
    Field.META_PRIORITY: "priority", Field.AH_SPI: "spi", Field.ESP_SPI: "spi", Field.DCCP_TYPE: "dccp_type",
    Field.MH_TYPE: "mh_type",
}  # fmt: skip
_CLOCK = (Field.META_DAY, Field.META_HOUR)
_FIRST_DAY = 4
"""1970 began on a Thursday."""
NOON = 43200.0
"""The time of day at which packets are sent where it does not matter."""


def packet_of(space: Space, road: Road, point: Point) -> Packet:
    """The packet as it comes in or is sent.

    Raises:
        NoPacket: what the point says cannot be said of a packet.
    """

    def get(of: Of) -> int:
        return point[space.variable(of).number]

    words = space.interfaces.words
    protocol, fragment = get(Of.PROTOCOL), get(Of.FRAGMENT) == 1
    packet = Packet(
        space.family, protocol, get(Of.SADDR), get(Of.DADDR), iif=words[get(Of.IIF)] if road.comes_in else "",
        oif=words[get(Of.OIF)] if road.goes_out else "", fragment=fragment,
    )  # fmt: skip
    if fragment:
        pass
    elif protocol in PORT_PROTOCOLS:
        packet = replace(packet, sport=get(Of.SPORT), dport=get(Of.DPORT))
        if protocol == TCP:
            packet = replace(packet, flags=space.flags[FlagField.TCP_FLAGS].values[get(Of.FLAGS)])
            syn, ack = TCP_FLAG_BITS["syn"], TCP_FLAG_BITS["ack"]
            usual = space.flags[FlagField.TCP_FLAGS].place
            for flags in (syn, ack):
                if usual[flags] == get(Of.FLAGS):
                    packet = replace(packet, flags=flags)
                    break
    elif protocol in (ICMP, ICMPV6):
        packet = replace(packet, type=get(Of.TYPE), code=get(Of.CODE))
    if protocol == ICMPV6 and 133 <= packet.type <= 137:
        packet = replace(packet, ttl=255)
    for variable in space.variables:
        if variable.number in point and variable.of in _OTHERS:
            packet = _OTHERS[variable.of](space, variable, point[variable.number], packet)
    return _with_flow(space, point, packet)


def start_of(space: Space, point: Point) -> float:
    """The time of day of the point, in seconds since 1970."""
    found = {}
    for variable in space.variables:
        if variable.of is Of.FIELD and variable.detail in _CLOCK and variable.number in point:
            found[variable.detail] = point[variable.number]
    day = found.get(Field.META_DAY, _FIRST_DAY)
    return float((day - _FIRST_DAY) % 7 * 86400 + found.get(Field.META_HOUR, int(NOON)))


def _field(space: Space, variable: Variable, value: int, packet: Packet) -> Packet:
    field = variable.detail
    assert isinstance(field, Field)
    if field in OPTIONAL and value == variable.highest:
        return packet
    if field in _PLAIN:
        if value or getattr(packet, _PLAIN[field]):
            return replace(packet, **{_PLAIN[field]: value})
        return packet
    if field in _CLOCK or field is Field.CT_DIRECTION or value == 0:
        return packet
    raise NoPacket(f"it takes a packet with `{field.value}` {value}")


def _mark(space: Space, variable: Variable, value: int, packet: Packet) -> Packet:
    assert isinstance(variable.detail, tuple)
    field, low = variable.detail
    if field is Field.META_MARK:
        return replace(packet, mark=packet.mark | value << low)
    if field is Field.META_RTCLASSID:
        return replace(packet, realm=packet.realm | value << low)
    return packet


def _trait(space: Space, variable: Variable, value: int, packet: Packet) -> Packet:
    match variable.detail:
        case Trait.IPSEC:
            return replace(packet, ipsec=bool(value))
        case Trait.SOCKET:
            return replace(packet, socket=bool(value))
        case _:
            return packet


def _header(space: Space, variable: Variable, value: int, packet: Packet) -> Packet:
    return replace(packet, headers=packet.headers | {str(variable.detail)}) if value else packet


def _option(space: Space, variable: Variable, value: int, packet: Packet) -> Packet:
    assert isinstance(variable.detail, int)
    return replace(packet, options=packet.options | {variable.detail}) if value else packet


def _system(space: Space, variable: Variable, value: int, packet: Packet) -> Packet:
    return replace(packet, os=space.names[NameField.OSF_NAME].words[value])


_OTHERS: dict[Of, Callable[[Space, Variable, int, Packet], Packet]] = {
    Of.FIELD: _field, Of.BITS: _mark, Of.TRAIT: _trait, Of.HEADER: _header, Of.OPTION: _option, Of.SYSTEM: _system,
}  # fmt: skip


def _with_flow(space: Space, point: Point, packet: Packet) -> Packet:
    """What conntrack is to know of it, where that is more than a first packet shows of itself."""
    state = STATES[point[space.variable(Of.CT).number]]
    status: int | None = None
    helper = ""
    mark = 0
    reply: bool | None = None
    original = False
    for variable in space.variables:
        value = point.get(variable.number, 0)
        if variable.of is Of.STATUS and value:
            status = space.flags[FlagField.CT_STATUS].values[value]
        elif variable.of is Of.HELPER and value:
            helper = space.names[NameField.CT_HELPER].words[value]
        elif variable.of is Of.BITS and isinstance(variable.detail, tuple) and variable.detail[0] is Field.CT_MARK:
            mark |= value << variable.detail[1]
        elif variable.of is Of.FIELD and variable.detail is Field.CT_DIRECTION and value:
            reply = True
        elif variable.of is Of.ORIGINAL and value:
            original = True
    if original:
        raise NoPacket("it takes a flow that NAT has changed")
    plain = status in (None, 0) and not helper and not mark and not reply
    if state is CtState.NEW and plain:
        return packet
    if state is CtState.ESTABLISHED and status is not None:
        status &= ~CT_STATUS_BITS["confirmed"]
    return replace(packet, presumed=Presumed(state, status or None, mark or None, reply, helper))
