"""What a host sends back for a packet that it rejects (net/ipv4/netfilter/nf_reject_ipv4.c, nf_reject_ipv6.c)."""

from __future__ import annotations

from dataclasses import replace

from polc.ir.addresses import is_link_local
from polc.ir.family import Family
from polc.ir.matches import AddressType
from polc.ir.protocols import DCCP, ICMP, ICMP_FAMILY, ICMPV6, SCTP, TCP, UDP, UDPLITE
from polc.ir.verdicts import RejectType
from polc.simulate.fields import frame_type
from polc.simulate.flight import Flight
from polc.simulate.host import LOOPBACK, Routing
from polc.simulate.packet import ACK, FIN, GRE, RST, SYN, Packet
from polc.simulate.special import is_loopback_ip, is_mapped

_IP: dict[RejectType, tuple[int, int]] = {
    # uapi/linux/icmp.h; net/netfilter/nft_reject.c, nft_reject_icmp_code
    RejectType.PORT_UNREACHABLE: (3, 3),
    RejectType.HOST_UNREACHABLE: (3, 1),
    RejectType.NO_ROUTE: (3, 0),
    RejectType.ADMIN_PROHIBITED: (3, 13),
    RejectType.NET_UNREACHABLE: (3, 0),
    RejectType.PROTO_UNREACHABLE: (3, 2),
    RejectType.NET_PROHIBITED: (3, 9),
    RejectType.HOST_PROHIBITED: (3, 10),
}
_IP6: dict[RejectType, tuple[int, int]] = {
    # uapi/linux/icmpv6.h; nft_reject_icmpv6_code
    RejectType.PORT_UNREACHABLE: (1, 4),
    RejectType.HOST_UNREACHABLE: (1, 3),
    RejectType.NO_ROUTE: (1, 0),
    RejectType.ADMIN_PROHIBITED: (1, 1),
    RejectType.ADDR_UNREACHABLE: (1, 3),
    RejectType.POLICY_FAIL: (1, 5),
    RejectType.REJECT_ROUTE: (1, 6),
}
_HOPS = 64
_INTERNETCONTROL = 48
_UNVERIFIED = frozenset({UDPLITE, SCTP, GRE, 50, 51})
"""Protocols whose sums are not looked at before an answer (net/netfilter/nf_reject.h, nf_reject_verify_csum)."""

_SUMMED = frozenset({ICMP, TCP, UDP, DCCP, ICMPV6})

_NO_TRANSPORT = frozenset({51, 59})
"""Of IPv6 an authentication header, behind which nothing stands here, and "nothing follows"."""

_NO_QUESTION = frozenset({1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12})
"""Types of ICMP that no error is sent about, those above 18 among them (net/ipv4/icmp.c, icmp_pointers)."""

_HIGHEST_ICMP = 18
_UNANSWERED = (AddressType.BROADCAST, AddressType.MULTICAST)


def answer_to(flight: Flight, kind: RejectType, routing: Routing) -> Packet | None:
    """The answer, before it goes through the rules itself; None: nothing is sent."""
    packet = flight.now()
    if packet.protocol not in _UNVERIFIED and not _sum_fits(packet):
        return None
    if ICMP_FAMILY.get(packet.protocol, packet.family) is not packet.family:
        # Its sum is looked at as one of the other family.
        return None
    if packet.protocol == DCCP and packet.family is Family.IP:
        # Its sum is looked at, without the ends that it is made of, and found wrong: nf_ip_checksum (seen in 6.18;
        # kernels that know DCCP do not look at it).
        return None
    if routing.type_of(packet.family, packet.daddr) in _UNANSWERED:
        return None
    if packet.family is Family.IP6 and (packet.transport_bytes == 0 or packet.protocol in _NO_TRANSPORT):
        # There is nothing behind its headers (nf_reject_ipv6.c, reject6_csum_ok).
        return None
    loopback = packet.family is Family.IP and is_loopback_ip(packet.daddr)
    own = is_loopback_ip(packet.saddr) or routing.type_of(packet.family, packet.saddr) is AddressType.LOCAL
    if loopback and not own:
        # Such an address sends to the host alone: net/ipv4/route.c, __mkroute_output.
        return None
    if kind is RejectType.TCP_RESET:
        return _reset(packet)
    return error_about(flight, (_IP6 if packet.family is Family.IP6 else _IP)[kind], routing)


def _sum_fits(packet: Packet) -> bool:
    """Whether its sum is right, where it has one, or else as if it had: then what stands in it has to make one of
    itself (net/netfilter/utils.c, nf_ip_checksum and nf_ip6_checksum).
    """
    if packet.protocol in _SUMMED or packet.is_mobile:
        return not packet.bad_checksum
    data = packet.payload + bytes(len(packet.payload) % 2)
    if packet.family is Family.IP6:
        size = packet.transport_bytes
        ends = packet.saddr.to_bytes(16, "big") + packet.daddr.to_bytes(16, "big")
        data += ends + size.to_bytes(4, "big") + packet.protocol.to_bytes(4, "big")
    total = sum(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    return not total % 0xFFFF


def _reset(packet: Packet) -> Packet | None:
    """nf_reject_ip_tcphdr_put: with the number that the other end expects, where it said one."""
    if packet.protocol != TCP or packet.fragment or packet.flags & RST:
        return None
    if packet.family is Family.IP6 and any(one == 0 or is_mapped(one) for one in (packet.saddr, packet.daddr)):
        # Such are addresses of no host (net/ipv6/addrconf_core.c, __ipv6_addr_type).
        return None
    seq = ack = None
    flags = RST
    if packet.flags & ACK:
        seq, ack = packet.ack, 0
    else:
        flags |= ACK
        length = packet.data_bytes + bool(packet.flags & SYN) + bool(packet.flags & FIN)
        seq, ack = 0, None if packet.seq is None else (packet.seq + length) & 0xFFFFFFFF
    return Packet(
        packet.family, TCP, packet.daddr, packet.saddr, packet.dport, packet.sport, flags=flags, seq=seq, ack=ack,
        window=0, ttl=_HOPS,
    )  # fmt: skip


def handshake(packet: Packet) -> Packet:
    """What synproxy answers a SYN with (net/netfilter/nf_synproxy_core.c, synproxy_send_client_synack): its number is a
    cookie, which only the kernel knows.
    """
    ack = None if packet.seq is None else (packet.seq + 1) & 0xFFFFFFFF
    return Packet(
        packet.family, TCP, packet.daddr, packet.saddr, packet.dport, packet.sport, flags=SYN | ACK, ack=ack, window=0,
        ttl=_HOPS,
    )  # fmt: skip


def error_about(flight: Flight, error: tuple[int, int], routing: Routing) -> Packet | None:
    """An ICMP error of this type and code; never about an error, nor about a later fragment, nor about a frame that was
    not for the host alone. It comes from the address that was asked, where it is the host's own, or else that by which
    the answer leaves (net/ipv4/icmp.c, __icmp_send; net/ipv6/icmp.c, icmp6_send).
    """
    packet = flight.now()
    if packet.is_icmp_error or packet.fragment or packet.saddr == 0 or frame_type(flight, routing):
        return None
    if packet.protocol == ICMP and (packet.type in _NO_QUESTION or packet.type > _HIGHEST_ICMP):
        return None
    device = packet.iif
    if device == LOOPBACK:
        # What has come back by it is of the interface whose address was asked (net/ipv6/icmp.c, icmp6_dev).
        device = routing.owner(packet.family, packet.daddr)
    hop = routing.lookup(packet.family, packet.saddr, device)
    if hop is not None and hop.type is AddressType.ANYCAST:
        # Such a source may be of several hosts (net/ipv6/icmp.c, icmpv6_route_lookup).
        return None
    quoted = replace(packet, iif="", oif="", mark=0, presumed=None)
    source: int | None = packet.daddr
    near = packet.family is Family.IP6 and (is_link_local(packet.daddr) or packet.daddr == 1)
    there = (packet.iif or packet.oif) if near else ""
    if routing.type_of(packet.family, packet.daddr, there) not in (AddressType.LOCAL, AddressType.ANYCAST):
        source = routing.source(packet.family, hop.interface if hop else device, packet.saddr)
    if source is None or (source == 1 and is_link_local(packet.saddr)):
        # From ::1 nothing goes to an address of a link.
        return None
    type_, code = error
    if packet.family is Family.IP6:
        # What is of one link goes back by it.
        away = hop is None or hop.type is AddressType.UNICAST
        out = device if is_link_local(packet.saddr) and away else ""
        return Packet(
            packet.family, ICMPV6, source, packet.saddr, type=type_, code=code, quoted=quoted, ttl=_HOPS, oif=out
        )
    # The precedence of errors, and the rest of the packet's own type of service (net/ipv4/icmp.c, __icmp_send).
    dscp, ecn = packet.dscp & 7 | _INTERNETCONTROL, packet.ecn & 2
    return Packet(
        packet.family, ICMP, source, packet.saddr, type=type_, code=code, quoted=quoted, ttl=_HOPS, dscp=dscp, ecn=ecn
    )
