"""Where the fields and keys that rules ask for are in a packet on its way. None: it has not got the field."""

from __future__ import annotations

from collections.abc import Callable

from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.matches import AddressType
from polc.ir.protocols import DCCP, ICMP, ICMPV6, TCP
from polc.ir.ruleset import DEVICE_HOOKS
from polc.ir.selectors import Conntrack, Direction, Selector, Side, Transport
from polc.simulate.conntrack.flow import CONFIRMED, SECOND, Flow
from polc.simulate.flight import Flight
from polc.simulate.host import Routing
from polc.simulate.memory import Key
from polc.simulate.world import World

Getter = Callable[[Flight], int | None]

_UNICAST, _BROADCAST, _MULTICAST = 0, 1, 2
_TO_ALL, _GROUP_BIT = 0xFFFFFFFFFFFF, 1 << 40
_IPV4_TYPE, _IPV6_TYPE, _VLAN_TYPE = 0x0800, 0x86DD, 0x8100
_DAY = 86_400


def _of_family(family: Family, get: Getter) -> Getter:
    return lambda flight: get(flight) if flight.family is family else None


def _of_flow(get: Callable[[Flow], int]) -> Getter:
    return lambda flight: None if flight.flow is None else get(flight.flow)


def _average(packets: int, bytes: int) -> int:
    """net/netfilter/nft_ct.c, nft_ct_get_eval: NFT_CT_AVGPKT."""
    return bytes // packets if packets else 0


def frame_type(flight: Flight, routing: Routing) -> int:
    """Whom a packet's frame is for (uapi/linux/if_packet.h): it follows from the hardware address or the destination
    unless the packet says it itself.
    """
    packet = flight.packet
    if packet.pkttype is not None:
        return packet.pkttype
    if not flight.iif:
        return _UNICAST
    if packet.mac_to:
        # net/ethernet/eth.c, eth_type_trans
        return _BROADCAST if packet.mac_to == _TO_ALL else _MULTICAST if packet.mac_to & _GROUP_BIT else _UNICAST
    kind = routing.type_of(flight.family, packet.daddr)
    return {AddressType.MULTICAST: _MULTICAST, AddressType.BROADCAST: _BROADCAST}.get(kind, _UNICAST)


def _pkttype(world: World) -> Getter:
    return lambda flight: frame_type(flight, world.routing)


def _expiration(world: World) -> Getter:
    """Whole seconds that are left; none of a flow that is not confirmed (nf_ct_expires)."""

    def get(flight: Flight) -> int | None:
        flow = flight.flow
        if flow is None:
            return None
        return max(0, flow.timeout - world.table.now) // SECOND if flow.status & CONFIRMED else 0

    return get


def _group(world: World, *, into: bool) -> Getter:
    def get(flight: Flight) -> int | None:
        name = flight.iif if into else flight.oif
        return world.routing.interface(name).group if name else None

    return get


def _owner(own: Callable[[Flight], int | None]) -> Getter:
    """Of the socket that a packet comes from: root's where it does not say."""

    def get(flight: Flight) -> int | None:
        if not flight.local:
            return None
        found = own(flight)
        return 0 if found is None else found

    return get


_own_cgroup = _owner(lambda flight: flight.packet.cgroup)


def _cgroup(flight: Flight) -> int | None:
    """As ``_owner``; ICMP errors come from a socket of the kernel's own, which is in no group, and belongs to nobody
    (net/ipv4/icmp.c, icmp_xmit_lock).
    """
    if flight.attached and flight.protocol in (ICMP, ICMPV6):
        return 0
    return _own_cgroup(flight)


def _tag(flight: Flight) -> int | None:
    """The number of its VLAN: behind ingress no rule sees it (net/core/dev.c, __netif_receive_skb_core)."""
    return flight.packet.vlan if flight.hook in DEVICE_HOOKS else None


def _ether_type(flight: Flight) -> int | None:
    if not flight.iif:
        return None
    if _tag(flight) is not None:
        return _VLAN_TYPE
    return _IPV6_TYPE if flight.six else _IPV4_TYPE


def getter(field: Field, world: World) -> Getter:
    """The field's value in a packet."""
    made = _SIMPLE.get(field)
    if made is not None:
        return made
    match field:
        case Field.META_IIFGROUP:
            return _group(world, into=True)
        case Field.META_OIFGROUP:
            return _group(world, into=False)
        case Field.META_PKTTYPE:
            return _pkttype(world)
        case Field.META_DAY:
            # 1 January 1970 was a Thursday.
            return lambda flight: (world.wall_clock // _DAY + 4) % 7
        case Field.META_HOUR:
            return lambda flight: world.wall_clock % _DAY
        case Field.CT_EXPIRATION:
            return _expiration(world)
    raise AssertionError(field)


def _of_protocol(protocol: int, get: Getter) -> Getter:
    """No later fragment has the header (net/netfilter/nft_payload.c, nft_payload_eval)."""
    return lambda flight: get(flight) if flight.protocol == protocol and not flight.packet.fragment else None


_SIMPLE: dict[Field, Getter] = {
    Field.TTL: _of_family(Family.IP, lambda flight: flight.ttl),
    Field.IP_DSCP: _of_family(Family.IP, lambda flight: flight.dscp),
    Field.IP_ECN: _of_family(Family.IP, lambda flight: flight.ecn),
    Field.IP_LENGTH: _of_family(Family.IP, lambda flight: flight.length),
    Field.HOPLIMIT: _of_family(Family.IP6, lambda flight: flight.ttl),
    Field.IP6_DSCP: _of_family(Family.IP6, lambda flight: flight.dscp),
    Field.IP6_ECN: _of_family(Family.IP6, lambda flight: flight.ecn),
    Field.TCP_MSS: lambda flight: flight.mss if flight.protocol == TCP else None,
    Field.META_MARK: lambda flight: flight.mark,
    Field.META_LENGTH: lambda flight: flight.length,
    Field.META_SKUID: _owner(lambda flight: flight.packet.uid),
    Field.META_SKGID: _owner(lambda flight: flight.packet.gid),
    Field.META_CGROUP: _cgroup,
    Field.CT_MARK: _of_flow(lambda flow: flow.mark),
    Field.CT_ZONE: _of_flow(lambda flow: flow.zone),
    Field.CT_DIRECTION: lambda flight: None if flight.flow is None else int(flight.reply),
    Field.CT_BYTES: _of_flow(lambda flow: sum(flow.bytes)),
    Field.CT_PACKETS: _of_flow(lambda flow: sum(flow.packets)),
    Field.CT_AVGPKT: _of_flow(lambda flow: _average(sum(flow.packets), sum(flow.bytes))),
    Field.CT_ORIGINAL_SPORT: _of_flow(lambda flow: flow.original[4]),
    Field.CT_ORIGINAL_DPORT: _of_flow(lambda flow: flow.original[5]),
    Field.CT_ORIGINAL_PROTOCOL: _of_flow(lambda flow: flow.original[1]),
    Field.CT_ORIGINAL_BYTES: _of_flow(lambda flow: flow.bytes[0]),
    Field.CT_ORIGINAL_PACKETS: _of_flow(lambda flow: flow.packets[0]),
    Field.CT_ORIGINAL_AVGPKT: _of_flow(lambda flow: _average(flow.packets[0], flow.bytes[0])),
    Field.CT_REPLY_SPORT: _of_flow(lambda flow: flow.reply[4]),
    Field.CT_REPLY_DPORT: _of_flow(lambda flow: flow.reply[5]),
    Field.CT_REPLY_BYTES: _of_flow(lambda flow: flow.bytes[1]),
    Field.CT_REPLY_PACKETS: _of_flow(lambda flow: flow.packets[1]),
    Field.CT_REPLY_AVGPKT: _of_flow(lambda flow: _average(flow.packets[1], flow.bytes[1])),
    Field.ETHER_SADDR: lambda flight: flight.packet.mac if flight.iif else None,
    Field.ETHER_DADDR: lambda flight: flight.packet.mac_to if flight.iif else None,
    Field.ETHER_TYPE: _ether_type,
    Field.VLAN_ID: _tag,
    Field.META_CPU: lambda flight: flight.packet.cpu,
    Field.META_PRIORITY: lambda flight: flight.priority,
    Field.META_RTCLASSID: lambda flight: flight.packet.realm,
    Field.META_PROTOCOL: lambda flight: _IPV6_TYPE if flight.six else _IPV4_TYPE,
    Field.AH_SPI: _of_protocol(51, lambda flight: flight.packet.spi),
    Field.ESP_SPI: _of_protocol(50, lambda flight: flight.packet.spi),
    Field.DCCP_TYPE: _of_protocol(DCCP, lambda flight: flight.packet.dccp_type),
    Field.MH_TYPE: lambda flight: flight.packet.mh_type or 0 if flight.packet.is_mobile else None,
}


def part(selector: Selector, world: World) -> Callable[[Flight], int | str | None]:
    """One part of a key in a packet."""
    match selector:
        case Side.SADDR:
            return lambda flight: flight.saddr
        case Side.DADDR:
            return lambda flight: flight.daddr
        case Direction.IN:
            return lambda flight: flight.iif
        case Direction.OUT:
            return lambda flight: flight.oif
        case Transport.SPORT:
            return lambda flight: None if flight.sport < 0 else flight.sport
        case Transport.DPORT:
            return lambda flight: None if flight.dport < 0 else flight.dport
        case Transport.PROTOCOL:
            return lambda flight: flight.protocol
        case Conntrack():
            return lambda flight: flight.state
        case Field():
            return getter(selector, world)


def key_of(selectors: tuple[Selector, ...], world: World) -> Callable[[Flight], Key | None]:
    """The key of a packet; None: it lacks a part."""
    parts = tuple(part(one, world) for one in selectors)

    def get(flight: Flight) -> Key | None:
        found = tuple([one(flight) for one in parts])
        return None if None in found else found  # type: ignore[return-value]

    return get
