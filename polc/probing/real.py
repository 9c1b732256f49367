"""Packets of conntrack states as they can really be had."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from polc.ir.addresses import is_link_local
from polc.ir.family import Family
from polc.ir.fields import CT_STATUS_BITS
from polc.ir.matches import CtState
from polc.ir.protocols import ICMP, ICMPV6, SCTP, TCP, UDP, UDPLITE
from polc.kernel.stage.ctnetlink import can_know
from polc.probing.fit import FIRST_PORT
from polc.simulate.conntrack.tcp import goes_on
from polc.simulate.host import LOOPBACK
from polc.simulate.packet import GRE, SYN, Packet, Presumed
from polc.simulate.replies import reply_to
from polc.simulate.steps import Reply

_REPLIES = {ICMP: frozenset({0, 14, 16, 18}), ICMPV6: frozenset({129, 140})}
_ASKS = {ICMP: frozenset({8, 13, 15, 17}), ICMPV6: frozenset({128, 139})}
_ASSURED = frozenset({TCP, UDP, UDPLITE, GRE})
"""Protocols whose flows are assured by the packet of one that was answered."""

_ANSWERED = CT_STATUS_BITS["seen-reply"] | CT_STATUS_BITS["assured"]
_NOBODY = 0xFFFFFFFF
"""The number that is no user's (credentials(7))."""

_MSS = 1460
"""What a SYN says over Ethernet."""

_INIT, _DATA = (1,), (0,)
_HEADERS = frozenset({0, 43, 44, 51, 59, 60})
"""Of IPv6, what is a header between and no protocol (net/ipv6/exthdrs_core.c, ipv6_ext_hdr)."""

_DISCARD = 9
_OF_INTERFACE = 0xFF01
_RESERVED = 255
"""No protocol (IANA, Assigned Internet Protocol Numbers), but what raw sockets call any."""

_IPSEC = frozenset({50, 51})
_SUMMED = frozenset({TCP, UDP, UDPLITE, ICMP, ICMPV6})


def realised(packet: Packet) -> Iterator[tuple[Packet, ...]]:
    """What can be sent instead of a packet that is presumed to be of a state, the likeliest first: with the packets
    that go before it. A flow alone can be presumed, since conntrack can be told of one.
    """
    if packet.protocol == SCTP and packet.chunks is None:
        packet = replace(packet, chunks=_DATA if packet.presumed else _INIT)
    if packet.protocol == TCP and packet.flags & SYN and not packet.fragment and packet.mss is None:
        packet = replace(packet, mss=_MSS)
    if packet.protocol == GRE and packet.call_id is None and not packet.payload:
        # NAT drops what is shorter than the key that might be there (net/netfilter/nf_nat_proto.c, gre_manip_pkt).
        packet = replace(packet, payload=bytes(8))
    if packet.is_mobile:
        packet = replace(packet, mh_type=packet.mh_type or 0)
    if packet.protocol in _IPSEC and packet.spi is None and not packet.fragment:
        packet = replace(packet, spi=0)
    if packet.has_ports:
        ends = ((packet.sport, FIRST_PORT), (packet.dport, _DISCARD))
        sport, dport = (default if one is None else one for one, default in ends)
        packet = replace(packet, sport=sport, dport=dport)
    if packet.protocol != TCP:
        packet = replace(packet, flags=0, options=frozenset(), mss=None, wscale=None, sack=())
    if packet.ipsec or packet.os or packet.cgroup or (packet.socket and packet.protocol not in (TCP, UDP)):
        return
    # Whoever is in no group need not say so.
    packet = replace(packet, cgroup=None)
    if packet.length is not None and packet.length < replace(packet, length=None).total_length:
        # Shorter than its own headers.
        return
    if packet.length is not None and packet.protocol == SCTP:
        # What fills it would have to be chunks.
        return
    if packet.iif and packet.oif and packet.family is Family.IP6 and is_link_local(packet.daddr):
        # It goes nowhere but to its own link.
        return
    if packet.family is Family.IP6 and packet.protocol in _HEADERS:
        # Behind it stands the protocol that rules see (net/ipv6/exthdrs_core.c, ipv6_find_hdr).
        return
    if not packet.iif and (packet.pkttype or not packet.mac is packet.mac_to is packet.vlan is None):
        # What the host sends is of no other type than its own (net/core/skbuff.c, __alloc_skb), and has no frame.
        return
    if packet.protocol == _RESERVED or packet.iif == LOOPBACK:
        # What comes in by the loopback interface is what the host has sent.
        return
    if not packet.iif and (
        0 in (packet.saddr, packet.daddr)
        or (packet.family is Family.IP and packet.daddr == 0xFFFFFFFF)
        or _is_group(packet.saddr, packet.family)
        or (packet.oif == LOOPBACK and _is_group(packet.daddr, packet.family))
        or (packet.family is Family.IP6 and packet.daddr >> 112 == _OF_INTERFACE)
    ):
        # No group sends, nobody without an address, which the kernel fills in; nobody has joined a group on the
        # loopback interface, and what goes to all, or to all of an interface, comes back to the host as well.
        return
    if max(packet.uid or 0, packet.gid or 0) >= _NOBODY:
        return
    if packet.iif and (packet.mark or packet.priority):
        # Rules may give it the mark.
        packet = replace(packet, mark=0, priority=0)
    if packet.is_mobile is (packet.mh_type is None) or (packet.headers and packet.family is Family.IP):
        return
    given = packet.presumed
    if given is None:
        yield (packet,)
        return
    plain = replace(packet, presumed=None)
    match given.state:
        case CtState.INVALID:
            yield from ((one,) for one in _invalid(plain))
        case CtState.UNTRACKED | CtState.NEW:
            yield (plain,)
        case CtState.RELATED if packet.is_icmp:
            if packet.is_icmp_error:
                yield _error(plain)
            elif packet.type in _ASKS[packet.protocol]:
                # No type was asked for.
                yield _error(replace(plain, type=3 if packet.protocol == ICMP else 1, id=0))
        case _:
            if packet.protocol in _REPLIES and packet.type in _REPLIES[packet.protocol]:
                packet = replace(packet, presumed=replace(given, reply=True))
            elif packet.is_icmp and given.reply:
                # A flow begins with what asks, and only the answer to that is of its other direction.
                return
            elif packet.protocol in _ASSURED and given.state is CtState.ESTABLISHED and given.status is None:
                packet = replace(packet, presumed=replace(given, status=_ANSWERED))
            # What comes in of UDP-Lite is invalid, whatever there is.
            if packet.iif and packet.protocol == UDPLITE:
                return
            if can_know(packet) and (packet.protocol != TCP or goes_on(packet.flags, reply=bool(given.reply))):
                yield (packet,)


def answered(packet: Packet) -> Iterator[tuple[Packet, ...]]:
    """A packet of a flow whose first packet was answered before: with both."""
    for (plain,) in realised(replace(packet, presumed=None)):
        first = replace(plain, flags=SYN, mss=_MSS) if packet.protocol == TCP else plain
        try:
            yield first, reply_to(first, None, Reply(), described=True), plain
        except ValueError:
            return


def _invalid(packet: Packet) -> Iterator[Packet]:
    """What conntrack cannot place (net/netfilter/nf_conntrack_proto_tcp.c, tcp_error; nf_conntrack_proto_icmp.c)."""
    if packet.protocol == TCP and packet.flags == SYN:
        yield replace(packet, flags=0)
    if packet.is_icmp and packet.type in _REPLIES[packet.protocol]:
        yield packet
    if packet.is_icmp_error:
        yield replace(packet, quoted=_asked(packet))
    if packet.protocol in _SUMMED and packet.iif:
        yield replace(packet, bad_checksum=True)
    if packet.protocol == TCP:
        yield packet


def _error(packet: Packet) -> tuple[Packet, ...]:
    """An ICMP error, and before it what it is about, as a packet of a flow that conntrack knows."""
    asked = _asked(packet)
    known = replace(asked, presumed=Presumed(CtState.ESTABLISHED, _ANSWERED))
    return known, replace(packet, quoted=replace(asked, iif="", oif=""))


def _asked(packet: Packet) -> Packet:
    """What whoever gets an error has sent."""
    loop = packet.oif == LOOPBACK
    return Packet(
        packet.family, UDP, packet.daddr, packet.saddr, 40000 + packet.id % 20000, 53,
        iif="" if loop else packet.oif, oif=LOOPBACK if loop else packet.iif,
    )  # fmt: skip


def _is_group(address: int, family: Family) -> bool:
    """Whether it is a multicast address, or in IPv4 that of everybody."""
    if family is Family.IP6:
        return address >> 120 == 0xFF
    return address >> 28 == 0xE or address == 0xFFFFFFFF
