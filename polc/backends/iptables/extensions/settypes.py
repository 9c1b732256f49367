"""Types of ipsets: which one has a key of given parts, and how it writes its members (ipset(8), SET TYPES).

An ipset that has ports has protocols as well, and only of tcp, udp, sctp and udplite does it know ports; so what lacks
them is to be kept from a rule that says "not in it", or adds (net/netfilter/ipset/ip_set_getport.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from polc.backends.iptables.extensions import interface
from polc.backends.iptables.extensions.words import Refused
from polc.ir.addresses import format_address, prefixes
from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import Direction, Side
from polc.ir.protocols import SCTP, TCP, UDP, UDPLITE
from polc.ir.selectors import Element, InterfacePattern, KeyType, KeyValue, Selector, Transport

_KINDS: dict[KeyType, str] = {
    KeyType.IPV4_ADDR: "address",
    KeyType.IPV6_ADDR: "address",
    KeyType.INET_PROTO: "protocol",
    KeyType.INET_SERVICE: "port",
    KeyType.IFNAME: "interface",
    KeyType.ETHER_ADDR: "mac",
}
_TYPES: dict[tuple[str, ...], tuple[str, str]] = {
    ("address",): ("hash:ip", "hash:net"),
    ("address", "port", "protocol"): ("hash:ip,port", "hash:net,port"),
    ("address", "address"): ("hash:net,net", "hash:net,net"),
    ("address", "address", "port", "protocol"): ("hash:ip,port,ip", "hash:net,port,net"),
    ("address", "interface"): ("hash:net,iface", "hash:net,iface"),
    ("mac",): ("hash:mac", "hash:mac"),
    ("port",): ("bitmap:port", "bitmap:port"),
}
"""Sorted kinds of parts -> the type for single addresses, and the one for networks."""
_ENDS: dict[Selector, str] = {
    Side.SADDR: "src",
    Side.DADDR: "dst",
    Transport.SPORT: "src",
    Transport.DPORT: "dst",
    Direction.IN: "src",
    Direction.OUT: "dst",
    Field.ETHER_SADDR: "src",
}
PORT_PROTOCOLS: dict[int, str] = {TCP: "tcp", UDP: "udp", SCTP: "sctp", UDPLITE: "udplite"}
"""Those of which an ipset knows ports, by its names."""
_BITMAP_PROTOCOLS = frozenset({TCP, UDP})
MOST_PORTS = 65536
"""Members that one element may become for its ports."""
_MOST_INTERFACES = 64  # of one network, in hash:net,iface (ipset(8))


@dataclass(frozen=True, slots=True)
class Form:
    """A type of ipset, and at which place of a key of ours each of its dimensions stands.

    ``protocol`` is the place of the protocol, which stands with the port, or None.
    """

    type: str
    dimensions: tuple[int, ...]
    protocol: int | None
    port: int | None

    @property
    def protocols(self) -> frozenset[int] | None:
        """The protocols whose packets it tells apart, or None: those of all."""
        if self.port is None:
            return None
        return _BITMAP_PROTOCOLS if self.protocol is None else frozenset(PORT_PROTOCOLS)


def form(types: tuple[KeyType | None, ...], *, networks: bool) -> Form:
    """
    Raises:
        Refused: there is no such ipset.
    """
    kinds = tuple(_KINDS.get(one, "?") if one is not None else "?" for one in types)
    found = _TYPES.get(tuple(sorted(kinds)))
    if found is None:
        parts = " and ".join(one.value if one is not None else "a field without a type" for one in types)
        raise Refused("set-key", f"there is no ipset with a key of {parts}")
    places: dict[str, list[int]] = {}
    for place, kind in enumerate(kinds):
        places.setdefault(kind, []).append(place)
    addresses, port = places.get("address", []), places.get("port", [])
    # An address, the port, the other address: the order of every type that has them.
    dimensions = (*addresses[:1], *port, *addresses[1:], *places.get("interface", []), *places.get("mac", []))
    protocol = places.get("protocol", [None])[0]
    return Form(found[networks], dimensions, protocol, port[0] if port else None)


def directions(of: Form, key: tuple[Selector, ...]) -> str:
    """What ``--match-set`` and ``--add-set`` say of a packet's key, ``src,dst``."""
    found = [_ENDS.get(key[place]) for place in of.dimensions]
    if None in found or (of.protocol is not None and key[of.protocol] is not Transport.PROTOCOL):
        raise Refused("set-key", f"an ipset has no key of {' and '.join(one.value for one in key)}")
    return ",".join(one for one in found if one is not None)


def members(of: Form, element: Element, family: Family) -> Iterator[str]:
    """The members that an element is, as ``ipset save`` prints them, with their options.

    Raises:
        Refused: the type has no such member, or the element is too many.
    """
    parts = [tuple(_part(of, element, place, family)) for place in of.dimensions]
    for one in product(*parts):
        text = ",".join(one)
        # An option of the member, which `_part` has put behind the name.
        yield text.removesuffix("*") + " wildcard" if text.endswith("*") else text


def _part(of: Form, element: Element, place: int, family: Family) -> Iterator[str]:
    value = element[place]
    match value:
        case InterfacePattern(name, wildcard):
            interface.spelled(value)
            yield f"{name}*" if wildcard else name
        case Intervals() if place == of.port:
            protocols = [""] if of.protocol is None else [f"{one}:" for one in _protocols(element[of.protocol])]
            ports = [port for low, high in value.ranges for port in range(low, high + 1)]
            if len(ports) * len(protocols) > MOST_PORTS:
                raise Refused("set-element", f"an element of an ipset would be more than {MOST_PORTS} ports")
            yield from (f"{protocol}{port}" for protocol in protocols for port in ports)
        case Intervals() if of.type == "hash:mac":
            yield from (
                number.to_bytes(6, "big").hex(":").upper()
                for low, high in value.ranges
                for number in range(low, high + 1)
            )
        case Intervals():
            yield from _addresses(of, value, family)


def _protocols(value: KeyValue) -> list[str]:
    assert isinstance(value, Intervals)
    numbers = [number for low, high in value.ranges for number in range(low, high + 1)]
    if unknown := sorted(set(numbers) - PORT_PROTOCOLS.keys()):
        raise Refused("set-element", f"an ipset knows no ports of protocol {unknown[0]}")
    return [PORT_PROTOCOLS[number] for number in numbers]


def _addresses(of: Form, value: Intervals, family: Family) -> Iterator[str]:
    networks = "net" in of.type
    for low, high in value.ranges:
        if networks:
            yield from (network_text(family, *one) for one in networks_of(family, low, high))
        elif low == high and low:
            yield format_address(family, low)
        else:
            what = "no ranges" if low else "no address of zeros"
            raise Refused("set-element", f"an ipset of single addresses has {what}")


def networks_of(family: Family, low: int, high: int) -> Iterator[tuple[int, int]]:
    """``(network, length)`` of a range; ipset has no prefix of length 0, which is said as its two halves."""
    for network, length in prefixes(family, low, high):
        if length:
            yield network, length
        else:
            yield from ((0, 1), (1 << (family.bits - 1), 1))


def network_text(family: Family, network: int, length: int) -> str:
    return format_address(family, network) + ("" if length == family.bits else f"/{length}")
