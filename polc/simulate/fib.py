"""What rules ask the routing tables: nft's ``fib``, and ``-m addrtype`` and ``-m rpfilter`` of iptables, which are not
quite the same.
"""

from __future__ import annotations

from polc.ir.addresses import is_link_local
from polc.ir.family import Family
from polc.ir.flavour import Flavour
from polc.ir.matches import AddressType
from polc.simulate.flight import Flight
from polc.simulate.host import LOOPBACK, Hop, Routing
from polc.simulate.special import EVERYBODY, is_group_ip, is_group_of_link_ip
from polc.simulate.unknown import OnlyKernelKnows


def leads_back(routing: Routing, flight: Flight, flavour: Flavour, *, loose: bool) -> bool:
    """Whether the source is behind the interface where the packet came in, or if ``loose`` behind any
    (net/ipv4/netfilter, nft_fib_ipv4.c and ipt_rpfilter.c; net/ipv6/netfilter, nft_fib_ipv6.c and ip6t_rpfilter.c).

    Raises:
        OnlyKernelKnows: no packet has shown where the source is, and the host is not described.
    """
    if flight.iif == LOOPBACK:
        return True
    if flight.saddr == 0:
        if flight.six and flavour is Flavour.IPTABLES:
            return True
        if not flight.six and (flight.daddr == EVERYBODY or is_group_of_link_ip(flight.daddr)):
            return True
    hop = _way_back(routing, flight)
    if hop is None and not routing.host.described:
        raise OnlyKernelKnows("whether a route leads back to the source is not known")
    if hop is None:
        return False
    # To nft a network's own broadcast address is behind its interface, to iptables nowhere.
    to_all = hop.type is AddressType.BROADCAST and flavour is Flavour.NFT
    return (hop.type is AddressType.UNICAST or to_all) and (loose or hop.interface == flight.iif)


def _way_back(routing: Routing, flight: Flight) -> Hop | None:
    """What the tables say of the source. They have no line for 0.0.0.0, 255.255.255.255 and groups, which are special
    elsewhere (fib_lookup).
    """
    if not flight.six and (flight.saddr in (0, EVERYBODY) or is_group_ip(flight.saddr)):
        return routing.routed(Family.IP, flight.saddr)
    return routing.lookup(flight.family, flight.saddr, flight.iif)


def address_type(routing: Routing, flight: Flight, address: int, flavour: Flavour) -> AddressType:
    """The type of the source or destination, by no interface in particular. To nft an address of a link is one of the
    link where the packet came in (nft_fib_ipv6.c, nft_fib6_flowi_init), to iptables of any (xt_addrtype.c).
    """
    if not flight.six or flavour is Flavour.IPTABLES or not is_link_local(address):
        return routing.fib_type(flight.family, address)
    near = flight.iif or flight.oif
    return AddressType.UNREACHABLE if near == LOOPBACK else routing.fib_type(flight.family, address, near)
