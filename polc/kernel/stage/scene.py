"""Builds a host in a scratch namespace: its interfaces, with a link each to a world that has no addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from polc.diagnostics import Failure
from polc.ir.addresses import format_address, is_link_local
from polc.ir.family import Family
from polc.ir.matches import AddressType
from polc.kernel.netns import Namespace
from polc.kernel.programs import find
from polc.simulate.host import LOOPBACK, Host, Interface, InterfaceAddress, Route, Routing
from polc.simulate.packet import Packet
from polc.simulate.settings import Settings

WORLD = "world"
FAR_MAC = "02:00:00:00:00:01"
_NEXT = {Family.IP: "169.254.{}.254", Family.IP6: "fe80::{:x}:fe"}
"""The neighbour behind each interface, by the interface's number."""


def described(host: Host, packets: Iterable[Packet]) -> Host:
    """The host; one that nobody has described gets the addresses and routes that packets show.

    A packet that comes in and names no way out is for the host, and one that goes out and names no way in is from it;
    whatever else it names is behind the interface beside it.
    """
    if host.described:
        return host
    routing, addresses, routes = Routing(host), dict[tuple[str, Family, int], None](), dict[Route, None]()
    own: set[tuple[Family, int]] = set()
    behind: list[tuple[Family, int, str]] = []
    for packet in packets:
        for address, here, other in ((packet.saddr, packet.oif, packet.iif), (packet.daddr, packet.iif, packet.oif)):
            if routing.type_of(packet.family, address) in (AddressType.MULTICAST, AddressType.BROADCAST):
                continue
            if here and not other and here != LOOPBACK:
                own.add((packet.family, address))
                if routing.owner(packet.family, address) == "":
                    addresses[here, packet.family, address] = None
            elif other:
                behind.append((packet.family, address, other))
    for family, address, name in behind:
        if (family, address) not in own and name != LOOPBACK and routing.owner(family, address) == "":
            routes[Route(family, address, family.bits, name)] = None
    interfaces = tuple(
        replace(
            one,
            addresses=(
                *(InterfaceAddress(family, at, family.bits) for name, family, at in addresses if name == one.name),
                *one.addresses,
            ),
        )
        for one in host.interfaces
    )
    return replace(host, interfaces=interfaces, routes=(*host.routes, *routes), described=True)


def macs(host: Host) -> dict[str, str]:
    """The hardware address of each interface but loopback."""
    return {
        one.name: ":".join(f"{one.mac:012x}"[at : at + 2] for at in range(0, 12, 2))
        if one.mac is not None
        else f"02:00:5e:00:01:{number:02x}"
        for number, one in enumerate(_linked(host), 1)
    }


def build(namespace: Namespace, host: Host, settings: Settings) -> None:
    """Raises:
    Failure: POL610, an interface, address or route that the kernel does not take.
    """
    _run(namespace, [find("ip"), "netns", "add", WORLD])
    world = namespace.nested(WORLD)
    # The far ends have no addresses, and so no answers of their own.
    _run(world, ["sh", "-e"], "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6\n")
    _run(namespace, ["sh", "-e"], "".join(f"echo {value} > /proc/sys/{name}\n" for name, value in _early(host)))
    own = macs(host)
    _batch(
        namespace,
        (f"link add {name} address {mac} type veth peer name {name} netns {WORLD}" for name, mac in own.items()),
    )
    # The far ends come first: an interface that comes up with its peer there can send at once, one that waits for it
    # only a while later (net/core/link_watch.c).
    _batch(world, (f"link set {name} mtu 65535 up promisc on" for name in own))
    _batch(namespace, _near(host))
    # A kernel may lack some of them, and then behaves so that they say nothing.
    file = "/proc/sys/net/netfilter/nf_conntrack_"
    writes = "".join(f"[ ! -e {file}{name} ] || echo {value} > {file}{name}\n" for name, value in _late(settings))
    _run(namespace, ["sh", "-e"], writes)


def _linked(host: Host) -> list[Interface]:
    return [one for one in host.interfaces if one.name != LOOPBACK]


def _near(host: Host) -> Iterator[str]:
    yield f"link set {LOOPBACK} up"
    for number, one in enumerate(_linked(host), 1):
        # Without an address of its own making it sends nothing by itself.
        yield f"link set {one.name} addrgenmode none"
        yield f"link set {one.name} mtu {one.mtu} group {one.group} up"
        for address in one.addresses:
            text = format_address(address.family, address.address)
            extra = " nodad" if address.family is Family.IP6 else ""
            yield f"address add {text}/{address.length} dev {one.name} noprefixroute{extra}"
        for family in Family:
            gateway = _NEXT[family].format(number)
            yield f"neighbour add {gateway} lladdr {FAR_MAC} dev {one.name} nud permanent"
        networks = {
            Route(at.family, at.address & -(1 << at.family.bits - at.length), at.length, one.name)
            for at in one.addresses
            if at.length < at.family.bits and not is_link_local(at.address)
        }
        given = [route for route in host.routes if route.interface == one.name]
        # No address of a network need be resolved: all are behind one neighbour.
        for route in sorted({*networks, *given}, key=lambda route: (route.family.value, route.network, route.length)):
            gateway = _NEXT[route.family].format(number)
            network = f"{format_address(route.family, route.network)}/{route.length}"
            yield f"route replace {network} via {gateway} dev {one.name} onlink"
        # What an address of its own making would bring; the metric makes one route of each, and not all the same.
        gateway = _NEXT[Family.IP6].format(number)
        yield f"route add fe80::/10 via {gateway} dev {one.name} onlink metric {number}"
    for route in host.routes:
        if not route.interface:
            network = f"{format_address(route.family, route.network)}/{route.length}"
            yield f"route add {route.type.value} {network}"
    for one in host.interfaces:
        if one.name == LOOPBACK:
            for at in one.addresses:
                if not (at.family is Family.IP and at.address >> 24 == 127) and at.address != 1:
                    yield f"address add {format_address(at.family, at.address)}/{at.length} dev {LOOPBACK}"


def _early(host: Host) -> Iterator[tuple[str, int]]:
    yield "net/ipv4/ip_forward", int(host.forwarding)
    yield "net/ipv6/conf/all/forwarding", int(host.forwarding)
    for which in ("all", "default"):
        yield f"net/ipv4/conf/{which}/rp_filter", host.rp_filter
    yield "net/ipv6/conf/default/accept_ra", 0
    yield "net/ipv6/conf/default/accept_dad", 0
    # Every rejected packet is to be answered, however many there are.
    yield "net/ipv4/icmp_ratelimit", 0
    yield "net/ipv4/icmp_ratemask", 0
    yield "net/ipv6/icmp/ratelimit", 0
    # Of all types but one that nobody sends (net/ipv6/icmp.c, icmpv6_mask_allow).
    yield "net/ipv6/icmp/ratemask", 127


def _late(settings: Settings) -> Iterator[tuple[str, int]]:
    """Settings of conntrack, which is there only when rules ask for it."""
    yield "tcp_loose", int(settings.tcp_loose)
    yield "tcp_be_liberal", int(settings.tcp_be_liberal)
    yield "udp_timeout", settings.udp_timeout
    yield "udp_timeout_stream", settings.udp_timeout_stream
    yield "icmp_timeout", settings.icmp_timeout
    yield "icmpv6_timeout", settings.icmpv6_timeout
    yield "generic_timeout", settings.generic_timeout


def _batch(namespace: Namespace, commands: Iterable[str]) -> None:
    _run(namespace, [find("ip"), "-batch", "-"], "".join(f"{line}\n" for line in commands))


def _run(namespace: Namespace, argv: list[str], input: str = "") -> None:
    done = namespace.run(argv, input=input)
    if done.returncode != 0:
        raise Failure.of("POL610", f"cannot build the host: {' '.join(done.stderr.split()) or argv[0]}")
