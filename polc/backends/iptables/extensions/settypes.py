"""Types of ipsets: which one has a key of given parts, and how it writes its members (ipset(8), SET TYPES).

An ipset that has ports has protocols as well, and only of tcp, udp, sctp and udplite does it know ports; so what lacks
them is to be kept from a rule that says "not in it", or adds (net/netfilter/ipset/ip_set_getport.c).
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
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
_TYPES: dict[tuple[str, ...], tuple[str, ...]] = {
    ("address",): ("hash:net", "hash:ip"),
    ("address", "port", "protocol"): ("hash:net,port", "hash:ip,port"),
    ("address", "address"): ("hash:net,net",),
    ("address", "address", "port", "protocol"): ("hash:net,port,net", "hash:ip,port,net", "hash:ip,port,ip"),
    ("address", "interface"): ("hash:net,iface",),
    ("mac",): ("hash:mac",),
    ("port",): ("bitmap:port",),
}
"""Sorted kinds of parts -> types, by the number of addresses that are single ones, which stand first."""
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
MOST_ADDRESSES = 65536
"""Members that one range may become in a set of single addresses: as many as an ipset has room for (ipset(8))."""
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


def form(types: tuple[KeyType | None, ...], single: Container[int]) -> Form:
    """The type for keys of ``types``, of which those at the places ``single`` are single addresses alone.

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
    addresses = sorted(places.get("address", []), key=lambda place: place not in single)
    singles = sum(place in single for place in addresses)
    # An address, the port, the other address: the order of every type that has them.
    ports = places.get("port", [])
    dimensions = (*addresses[:1], *ports, *addresses[1:], *places.get("interface", []), *places.get("mac", []))
    protocol = places.get("protocol", [None])[0]
    return Form(found[min(singles, len(found) - 1)], dimensions, protocol, ports[0] if ports else None)


def single_places(elements: Sequence[Element]) -> frozenset[int]:
    """The places of elements at which there is nothing but single addresses that a set of those can hold."""
    return frozenset(
        place for place in range(len(elements[0])) if all(_is_single(element[place]) for element in elements)
    )


def _is_single(value: KeyValue) -> bool:
    return isinstance(value, Intervals) and all(low == high and low for low, high in value.ranges)


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
            numbers = (number for low, high in value.ranges for number in range(low, high + 1))
            yield from (number.to_bytes(6, "big").hex(":").upper() for number in numbers)
        case Intervals():
            # Of a type such as `hash:ip,port,net` each dimension has its own word.
            kind = of.type.partition(":")[2].split(",")[of.dimensions.index(place)]
            yield from _addresses(value, family) if kind == "ip" else _networks(value, family)


def _protocols(value: KeyValue) -> list[str]:
    assert isinstance(value, Intervals)
    numbers = [number for low, high in value.ranges for number in range(low, high + 1)]
    if unknown := sorted(set(numbers) - PORT_PROTOCOLS.keys()):
        raise Refused("set-element", f"an ipset knows no ports of protocol {unknown[0]}")
    return [PORT_PROTOCOLS[number] for number in numbers]


def _addresses(value: Intervals, family: Family) -> Iterator[str]:
    for low, high in value.ranges:
        if not low or high - low >= MOST_ADDRESSES:
            what = f"no range of more than {MOST_ADDRESSES}" if low else "no address of zeros"
            raise Refused("set-element", f"an ipset of single addresses has {what}")
        yield from (format_address(family, one) for one in range(low, high + 1))


def _networks(value: Intervals, family: Family) -> Iterator[str]:
    for low, high in value.ranges:
        for network, length in prefixes(family, low, high):
            if length:
                yield format_address(family, network) + ("" if length == family.bits else f"/{length}")
            else:
                # ipset has no prefix of length 0, which is said as its two halves.
                yield from (f"{format_address(family, half)}/1" for half in (0, 1 << (family.bits - 1)))
