"""Where packets go: routing, with the tests that the kernel makes on the way."""

from __future__ import annotations

from dataclasses import replace

from polc.ir.addresses import is_link_local
from polc.ir.family import Family
from polc.ir.matches import AddressType
from polc.simulate.fields import frame_type
from polc.simulate.flight import Flight
from polc.simulate.hooks import Ended
from polc.simulate.host import LOOPBACK, Hop, Routing
from polc.simulate.special import EVERYBODY, is_group_ip, is_group_of_link_ip, is_loopback_ip
from polc.simulate.unknown import OnlyKernelKnows

OWN = (AddressType.LOCAL, AddressType.ANYCAST)
LOCAL = (*OWN, AddressType.BROADCAST, AddressType.MULTICAST)
_IGMP = 2

_CLASSES = (0, 2, 6, 4)
"""TC_PRIO_BESTEFFORT, TC_PRIO_BULK, TC_PRIO_INTERACTIVE, TC_PRIO_INTERACTIVE_BULK."""

_TIME_EXCEEDED, _NO_ROUTE = ((11, 0), (3, 0)), ((3, 0), (1, 0))
_BEYOND_SCOPE = ((3, 0), (1, 2))
"""The second is what IPv6 alone answers (RFC 4443, 3.1)."""
_ROUTE_ERRORS = {
    # net/ipv4/route.c, ip_error; net/ipv6/route.c, ip6_pkt_drop
    AddressType.UNREACHABLE: ((3, 1), (1, 0)),
    AddressType.PROHIBIT: ((3, 13), (1, 1)),
}
"""ICMP errors of IPv4 and IPv6: type and code."""


def goes_out(routing: Routing, flight: Flight) -> str | Ended:
    """The interface by which a packet of the host itself leaves.

    Raises:
        OnlyKernelKnows: nobody has said where its destination is.
    """
    if flight.packet.oif:
        return flight.packet.oif
    hop = look_up(routing, flight)
    if isinstance(hop, Ended):
        return hop
    return LOOPBACK if hop.type in OWN else hop.interface


def look_up(routing: Routing, flight: Flight) -> Hop | Ended:
    """Where its destination is, or with which error routing answers.

    Raises:
        OnlyKernelKnows: nobody has said.
    """
    near = flight.packet.oif if is_link_local(flight.daddr) else ""
    hop = routing.lookup(flight.family, flight.daddr, flight.iif or near)
    if hop is None:
        if not routing.host.described:
            raise OnlyKernelKnows("no packet has shown where its destination is, and the host is not described")
        return Ended("there is no route", _NO_ROUTE if flight.packet.iif else None)
    if hop.type not in (*LOCAL, AddressType.UNICAST):
        return Ended(f"its route is {hop.type.value}", _ROUTE_ERRORS.get(hop.type) if flight.packet.iif else None)
    return hop


def comes_in(routing: Routing, flight: Flight) -> Hop | Ended:
    """ip_route_input, with the tests of the source.

    Raises:
        OnlyKernelKnows: nobody has said where its destination is.
    """
    if flight.tproxied:
        return Hop(AddressType.LOCAL, LOOPBACK)
    # Where the host is described, it says where a destination is that NAT has chosen.
    elsewhere = routing.host.described and flight.daddr != flight.packet.daddr
    forced = "" if elsewhere else flight.packet.oif
    checked = not flight.six and flight.iif != LOOPBACK
    if checked and (bad := _martian(flight)):
        return Ended(bad)
    hop = routing.lookup(flight.family, flight.daddr, flight.iif)
    if hop is None and forced:
        hop = Hop(AddressType.UNICAST, forced)
    elif hop is None or hop.type not in LOCAL:
        found = look_up(routing, flight)
        if isinstance(found, Ended):
            return found
        hop = replace(found, interface=forced) if forced else found
    if checked and flight.saddr and (bad := _no_source(routing, flight, hop)):
        return Ended(bad)
    return hop


def _martian(flight: Flight) -> str:
    """Why nothing comes from such an address, or to it (net/ipv4/route.c, ip_route_input_slow and
    ip_mc_validate_source).
    """
    source, destination = flight.saddr, flight.daddr
    if is_group_ip(source) or source == EVERYBODY:
        return "a packet whose source is a group or everybody cannot come in"
    if destination == EVERYBODY or source == destination == 0:
        return ""
    if is_loopback_ip(source) or is_loopback_ip(destination):
        return "a packet from or to a loopback address cannot come in"
    if is_group_ip(destination):
        link = is_group_of_link_ip(destination) or flight.protocol == _IGMP
        return "" if source or link else "a packet from 0.0.0.0 comes to groups of the link alone"
    return "" if source and destination else "a packet from or to 0.0.0.0 cannot come in"


def _no_source(routing: Routing, flight: Flight, hop: Hop) -> str:
    """Why its source cannot be where it comes from (net/ipv4/fib_frontend.c, fib_validate_source). Where it leaves as
    it came, and with rp_filter, more is looked up than the host's own addresses: without, the broadcast address of a
    network may send.
    """
    back = hop.type is AddressType.UNICAST and hop.interface == flight.iif
    kind = routing.type_of(Family.IP, flight.saddr)
    looked_up = kind in LOCAL and (back or routing.host.rp_filter)
    if looked_up or routing.owner(Family.IP, flight.saddr):
        return f"a packet whose source is {kind.value} cannot come in"
    if routing.host.rp_filter:
        way_back = routing.lookup(Family.IP, flight.saddr)
        strict = routing.host.rp_filter == 1
        leads = way_back is not None and way_back.type is AddressType.UNICAST
        if way_back is None or not leads or (strict and way_back.interface != flight.iif):
            return "rp_filter: no route leads back to its source" + (" by its interface" if strict else "")
    return ""


def barred(routing: Routing, flight: Flight) -> Ended | None:
    """Why a packet that is for others is not forwarded."""
    if not routing.host.forwarding:
        return Ended("the host does not forward")
    if frame_type(flight, routing):
        # net/ipv4/ip_forward.c, net/ipv6/ip6_output.c: what went to all on a link, or to another one
        return Ended("its frame was not for the host alone")
    if flight.ttl <= 1:
        return Ended("its hops are used up", _TIME_EXCEEDED)
    if flight.six and flight.iif != flight.oif and (flight.saddr == 0 or is_link_local(flight.saddr)):
        # net/ipv6/ip6_output.c, ip6_forward
        beyond = None if flight.saddr == 0 else _BEYOND_SCOPE
        return Ended("such a source is of its own link alone", beyond)
    return None


def incomplete(flight: Flight) -> Ended | None:
    """Why a packet for the host does not come to its rules: of IPv4 they see whole datagrams alone
    (net/ipv4/ip_input.c, ip_local_deliver).
    """
    if flight.six or not flight.packet.fragment:
        return None
    return Ended("the host waits for the other fragments before rules see any")


def strays(flight: Flight) -> bool:
    """net/ipv6/ip6_input.c, ip6_rcv_core: such packets come to no hook."""
    loopback = flight.saddr == 1 or flight.daddr == 1
    return loopback or is_of_nobody(flight.daddr) or flight.saddr >> 120 == 0xFF


def class_of(dscp: int) -> int:
    """The class of tc that a packet of IPv4 gets when it is forwarded (net/ipv4/route.c, ip_tos2prio)."""
    return _CLASSES[dscp >> 1 & 3]


def is_of_nobody(address: int) -> bool:
    """A group of the scope that is reserved, or of that of an interface (RFC 4291, 2.7)."""
    return address >> 120 == 0xFF and address >> 112 & 0xF in (0, 1)
