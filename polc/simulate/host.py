"""The host that a firewall runs on, as far as packets meet it: interfaces, addresses, routes.

Where nobody has described the host, ``Host.assumed`` invents addresses, and the packets themselves say what is where:
see ``Routing.learn``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from polc.ir.addresses import is_link_local
from polc.ir.family import FAMILIES, Family
from polc.ir.matches import AddressType
from polc.simulate import rfc6724
from polc.simulate.special import EVERYBODY, LOOPBACK_IP, LOOPBACK_IP6, is_group_ip, is_loopback_ip

LOOPBACK = "lo"
_LOOPBACK_BROADCAST = 0x7FFFFFFF


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """An address of the host, and the length of its network's prefix."""

    family: Family
    address: int
    length: int

    def covers(self, address: int) -> bool:
        shift = self.family.bits - self.length
        return address >> shift == self.address >> shift


@dataclass(frozen=True, slots=True)
class Interface:
    """``mtu`` bytes; ``mac`` is its own, ``group`` its group (ip-link(8))."""

    name: str
    addresses: tuple[InterfaceAddress, ...] = ()
    group: int = 0
    mtu: int = 1500
    mac: int | None = None

    def address(self, family: Family, near: int | None = None) -> int | None:
        """Its address of a family, for packets to ``near``: of IPv4 the one in whose network that is, or else the first
        (net/ipv4/devinet.c, inet_select_addr). None: it has none.
        """
        own = [one for one in self.addresses if one.family is family]
        if near is not None and family is Family.IP6:
            return rfc6724.choose([(one.address, one.length) for one in own], near)
        for one in own:
            if near is not None and one.covers(near):
                return one.address
        return own[0].address if own else None


@dataclass(frozen=True, slots=True)
class Route:
    """A prefix, and the interface that leads there; without one, ``type`` is what becomes of packets."""

    family: Family
    network: int
    length: int
    interface: str = ""
    type: AddressType = AddressType.UNICAST


@dataclass(frozen=True, slots=True)
class Host:
    """``rp_filter`` is net.ipv4.conf.all.rp_filter: 0 no test, 1 strict, 2 loose (ip-sysctl.rst).

    ``described`` False: nobody has said what the host is; see ``assumed``.
    """

    interfaces: tuple[Interface, ...]
    routes: tuple[Route, ...] = ()
    forwarding: bool = True
    rp_filter: int = 0
    described: bool = True

    @classmethod
    def assumed(cls, names: Iterable[str]) -> Host:
        """A host with these interfaces, each with an address of its own from the networks that are for tests of
        devices (198.18.0.0/15, RFC 2544; 2001:2::/48, RFC 5180).
        """
        made = [_loopback()]
        for number, name in enumerate(sorted(set(names) - {LOOPBACK}), 1):
            ip = InterfaceAddress(Family.IP, 0xC6120000 + (number << 8) + 1, 24)
            ip6 = InterfaceAddress(Family.IP6, (0x20010002_0000 << 80) + (number << 64) + 1, 64)
            made.append(Interface(name, (ip, ip6)))
        return cls(tuple(made), described=False)

    def interface(self, name: str) -> Interface | None:
        return next((one for one in self.interfaces if one.name == name), None)


def _loopback() -> Interface:
    addresses = (InterfaceAddress(Family.IP, LOOPBACK_IP, 8), InterfaceAddress(Family.IP6, LOOPBACK_IP6, 128))
    return Interface(LOOPBACK, addresses, mtu=65536)


def with_loopback(interfaces: Iterable[Interface]) -> tuple[Interface, ...]:
    """The interfaces, ``lo`` among them."""
    made = tuple(interfaces)
    return made if any(one.name == LOOPBACK for one in made) else (_loopback(), *made)


@dataclass(frozen=True, slots=True)
class Hop:
    """Where an address is: ``type`` LOCAL, UNICAST by ``interface``, or whatever else a route says."""

    type: AddressType
    interface: str = ""


class Routing:
    """The routing tables of a host: local first, then the longest prefix (net/ipv4/fib_frontend.c, fib_rules.c).

    Policy routing, several nexthops and metrics are not modelled: the interface that a packet names with ``oif``
    comes before what the tables say.
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self._interfaces = {one.name: one for one in host.interfaces}
        self._local: dict[tuple[Family, int], str] = {}
        self._broadcast: dict[int, str] = {EVERYBODY: ""}
        self._routers: dict[int, list[str]] = {}
        self._routes: dict[tuple[Family, int], dict[int, Hop]] = {}
        for interface in host.interfaces:
            for one in interface.addresses:
                self._local[one.family, one.address] = interface.name
                self._add(Route(one.family, one.address, one.length, interface.name))
                if one.family is Family.IP and one.length < 31:
                    # net/ipv4/fib_frontend.c, fib_add_ifaddr
                    self._broadcast[one.address | (1 << (32 - one.length)) - 1] = interface.name
                if one.family is Family.IP6 and one.length < 127:
                    # RFC 4291, 2.6.1, and RFC 6164; net/ipv6/addrconf.c, addrconf_join_anycast
                    router = one.address >> 128 - one.length << 128 - one.length
                    self._routers.setdefault(router, []).append(interface.name)
        for route in host.routes:
            self._add(route)
        self._cache: dict[tuple[Family, int], Hop | None] = {}
        self._learnt: dict[tuple[Family, int], tuple[str, bool]] = {}

    def _add(self, route: Route) -> None:
        shift = route.family.bits - route.length
        self._routes.setdefault((route.family, route.length), {})[route.network >> shift] = Hop(
            route.type, route.interface
        )
        self._lengths = {
            family: sorted((length for of, length in self._routes if of is family), reverse=True) for family in FAMILIES
        }

    def interface(self, name: str) -> Interface:
        """The interface, or one of that name about which nothing is known."""
        return self._interfaces.get(name) or Interface(name)

    def learn(self, family: Family, address: int, interface: str, *, own: bool) -> None:
        """What a packet shows of a host that nobody has described: an address of its own, or where another one is.

        A packet that comes in and names no way out is for the host, one that goes out and names no way in is from
        it; whatever else it names is behind the interface beside it.
        """
        known = self._learnt.get((family, address))
        if known == (interface, own) or self.type_of(family, address) in (AddressType.MULTICAST, AddressType.BROADCAST):
            return
        self._learnt[family, address] = (interface, own)
        if own:
            self._local[family, address] = interface
        elif not _invented(family, address):
            self._local.pop((family, address), None)
            self._add(Route(family, address, family.bits, interface))
        self._cache.clear()

    def lookup(self, family: Family, address: int, near: str = "") -> Hop | None:
        """Where a packet to ``address`` goes; link-local ones are on the link ``near``, and the host's own are its own
        there alone (net/ipv6/route.c, rt6_device_match). None: there is no route.
        """
        if family is Family.IP6 and is_link_local(address) and near not in ("", LOOPBACK):
            kind = self.type_of(family, address, near)
            return Hop(kind, near if kind is AddressType.UNICAST else LOOPBACK)
        if family is Family.IP6 and address == LOOPBACK_IP6 and near not in ("", LOOPBACK):
            return self.routed(family, address, near)
        key = (family, address)
        try:
            return self._cache[key]
        except KeyError:
            found = self._cache[key] = self._lookup(family, address)
            return found

    def _lookup(self, family: Family, address: int) -> Hop | None:
        kind = self.type_of(family, address)
        if kind in (AddressType.LOCAL, AddressType.ANYCAST):
            return Hop(kind, LOOPBACK)
        if kind is AddressType.BROADCAST:
            return Hop(kind, self._broadcast.get(address, ""))
        if kind is AddressType.MULTICAST:
            return Hop(kind)
        return self.routed(family, address)

    def routed(self, family: Family, address: int, by: str = "") -> Hop | None:
        """What the longest prefix says; with ``by`` the longest of that interface."""
        for length in self._lengths[family]:
            found = self._routes[family, length].get(address >> family.bits - length)
            if found is not None and by in ("", found.interface):
                return found
        return None

    def type_of(self, family: Family, address: int, interface: str = "") -> AddressType:
        """What the local table says of an address (net/ipv4/fib_frontend.c, inet_addr_type); with ``interface`` its
        own addresses alone are local. A host that forwards has the address of the routers of each of its networks of
        IPv6 beside its own (``anycast``). Of IPv6, an address without a route is ``unreachable``
        (net/ipv6/netfilter/nft_fib_ipv6.c, __nft_fib6_eval_type).
        """
        if (family, address) in self._local and interface in ("", self._local[family, address]):
            return AddressType.LOCAL
        if family is Family.IP:
            if is_loopback_ip(address):
                return AddressType.BROADCAST if address == _LOOPBACK_BROADCAST else AddressType.LOCAL
            if is_group_ip(address):
                return AddressType.MULTICAST
            if address in self._broadcast or address == 0:
                return AddressType.BROADCAST
            return AddressType.UNICAST
        if address >> 120 == 0xFF:
            return AddressType.MULTICAST
        if self.host.forwarding and address in self._routers and interface in ("", *self._routers[address]):
            return AddressType.ANYCAST
        return AddressType.UNICAST

    def fib_type(self, family: Family, address: int, near: str = "") -> AddressType:
        """The type that ``fib`` and ``addrtype`` see: as ``type_of``, the reject routes of IPv6, and the address of the
        routers of a network, though the host be none (include/net/ip6_route.h, ipv6_anycast_destination). With ``near``
        an address of a link is one of that interface's.
        """
        kind = self.type_of(family, address, near)
        if family is Family.IP6 and kind is AddressType.UNICAST and address in self._routers:
            return AddressType.ANYCAST
        if family is Family.IP6 and kind is AddressType.UNICAST:
            hop = self.lookup(family, address, near)
            if hop is None and not self.host.described:
                return kind
            return AddressType.UNREACHABLE if hop is None else hop.type
        return kind

    def source(self, family: Family, interface: str, near: int | None = None) -> int | None:
        """The address that the host sends with by an interface. To itself it sends from the address itself, of IPv4
        from the first one of that network.
        """
        elsewhere = near is None or (family is Family.IP6 and is_link_local(near) and interface != LOOPBACK)
        owner = "" if near is None or elsewhere else self.owner(family, near)
        return self.interface(owner or interface).address(family, near)

    def source_outside(self, family: Family, interface: str, near: int | None = None) -> int | None:
        """As ``source``, but for loopback's: its addresses are of the host alone, and instead of them IPv4 takes those
        of the other interfaces in their order (net/ipv4/devinet.c, inet_select_addr).
        """
        if interface != LOOPBACK or family is not Family.IP:
            return self.source(family, interface, near)
        others = (one.address(family) for one in self.host.interfaces if one.name != LOOPBACK)
        return next((address for address in others if address is not None), None)

    def owner(self, family: Family, address: int) -> str:
        """The interface that has an address of the host, empty for another one."""
        if self.type_of(family, address) is AddressType.ANYCAST:
            return self._routers[address][0]
        return self._local.get((family, address), "")


def _invented(family: Family, address: int) -> bool:
    return address >> 17 == 0xC612 >> 1 if family is Family.IP else address >> 80 == 0x20010002_0000
