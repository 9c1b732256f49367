"""What keys of sets and maps are made of: the parts of a packet that can be looked up together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from polc.ir.family import Family
from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import Intervals


class Side(Enum):
    """Which end of a packet; the values are nft's payload field names."""

    SADDR = "saddr"
    DADDR = "daddr"


class Direction(Enum):
    """Which interface of a packet; the values are nft's meta keys (nft(8), META EXPRESSIONS)."""

    IN = "iifname"
    OUT = "oifname"


class Transport(Enum):
    """Of the transport header: its ports, which only protocols that have them have, and the protocol's number."""

    SPORT = "sport"
    DPORT = "dport"
    PROTOCOL = "l4proto"


class Conntrack(Enum):
    """The conntrack state as a number, a bit of ``CtState``."""

    STATE = "ct state"


Selector = Side | Direction | Transport | Conntrack | Field
"""One part of a key. An address is of the family of the rule, of which there is then one."""


class KeyType(Enum):
    """Types of key parts; the value is nft's (nft(8), DATA TYPES)."""

    IPV4_ADDR = "ipv4_addr"
    IPV6_ADDR = "ipv6_addr"
    INET_SERVICE = "inet_service"
    INET_PROTO = "inet_proto"
    IFNAME = "ifname"
    CT_STATE = "ct_state"
    MARK = "mark"
    ETHER_ADDR = "ether_addr"


ADDRESS_TYPES: dict[Family, KeyType] = {Family.IP: KeyType.IPV4_ADDR, Family.IP6: KeyType.IPV6_ADDR}


@dataclass(frozen=True, slots=True, order=True)
class InterfacePattern:
    """An interface name, or every name that begins with ``name`` (``eth*`` in nft, ``eth+`` in iptables).

    Names have at most 15 bytes (IFNAMSIZ, linux/if.h).
    """

    name: str
    wildcard: bool = False

    def covers(self, other: InterfacePattern) -> bool:
        """Whether every name that ``other`` stands for is also one of this pattern's."""
        return other.name.startswith(self.name) if self.wildcard else self == other

    def __str__(self) -> str:
        return self.name + ("*" if self.wildcard else "")


def disjoint_patterns(patterns: tuple[InterfacePattern, ...]) -> tuple[InterfacePattern, ...]:
    """Sorted, without duplicates and without those that another one covers."""
    unique = sorted(set(patterns))
    return tuple(one for one in unique if not any(other != one and other.covers(one) for other in unique))


KeyValue = Intervals | InterfacePattern
"""A part of an element: one range or several, or for an interface a name."""

Element = tuple[KeyValue, ...]
"""A part for each selector of the key: it stands for every packet whose parts are all in it."""


def key_type(selector: Selector, family: Family) -> KeyType | None:
    """The type of a part in a rule of ``family``; None: a field that cannot stand in a named set (nft ``typeof``)."""
    match selector:
        case Side():
            return ADDRESS_TYPES[family]
        case Direction():
            return KeyType.IFNAME
        case Transport.PROTOCOL:
            return KeyType.INET_PROTO
        case Transport():
            return KeyType.INET_SERVICE
        case Conntrack():
            return KeyType.CT_STATE
        case Field.META_MARK | Field.CT_MARK:
            return KeyType.MARK
        case Field.ETHER_SADDR | Field.ETHER_DADDR:
            return KeyType.ETHER_ADDR
        case _:
            return None


def highest(selector: Selector, family: Family) -> int:
    """The largest number that the part of a packet can be; interfaces have none and count as 0."""
    match selector:
        case Side():
            return (1 << family.bits) - 1
        case Direction():
            return 0
        case Transport.PROTOCOL:
            return 255
        case Transport():
            return 65535
        case Conntrack():
            return 64
        case Field():
            return FIELDS[selector].highest
