"""Types of ipsets (ipset(8)), and the keys of packets that they hold."""

from __future__ import annotations

from dataclasses import dataclass

from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.selectors import ADDRESS_TYPES, Direction, KeyType, Selector, Side, Transport

_TYPES: dict[str, tuple[str, ...]] = {
    "hash:ip": ("ip",),
    "hash:net": ("net",),
    "hash:mac": ("mac",),
    "hash:ip,mac": ("ip", "mac"),
    "hash:ip,mark": ("ip", "mark"),
    "hash:ip,port": ("ip", "port"),
    "hash:ip,port,ip": ("ip", "port", "ip"),
    "hash:ip,port,net": ("ip", "port", "net"),
    "hash:net,net": ("net", "net"),
    "hash:net,port": ("net", "port"),
    "hash:net,port,net": ("net", "port", "net"),
    "hash:net,iface": ("net", "iface"),
    "bitmap:ip": ("ip",),
    "bitmap:ip,mac": ("ip", "mac"),
    "bitmap:port": ("bare-port",),
    "list:set": ("set",),
}
_OLD = {"iphash": "hash:ip", "nethash": "hash:net", "ipmap": "bitmap:ip", "portmap": "bitmap:port",
        "macipmap": "bitmap:ip,mac", "ipporthash": "hash:ip,port", "ipportiphash": "hash:ip,port,ip",
        "ipportnethash": "hash:ip,port,net", "setlist": "list:set"}  # fmt: skip
"""Names of before ipset 5."""

TYPES: tuple[str, ...] = tuple(_TYPES)


@dataclass(frozen=True, slots=True)
class SetType:
    """``parts`` of the key by ipset's names; ``family`` of its addresses, None where it has none.

    ``opaque``: why no node holds such a set, empty where one does.
    """

    name: str
    parts: tuple[str, ...]
    family: Family | None
    opaque: str = ""

    @property
    def key_types(self) -> tuple[KeyType, ...]:
        """The parts of the key as nft has them: a port comes with its protocol."""
        found: list[KeyType] = []
        for part in self.parts:
            match part:
                case "ip" | "net" if self.family is not None:
                    found.append(ADDRESS_TYPES[self.family])
                case "port":
                    found += (KeyType.INET_PROTO, KeyType.INET_SERVICE)
                case "bare-port":
                    found.append(KeyType.INET_SERVICE)
                case "mac":
                    found.append(KeyType.ETHER_ADDR)
                case "mark":
                    found.append(KeyType.MARK)
                case "iface":
                    found.append(KeyType.IFNAME)
                case _:
                    pass
        return tuple(found)

    def key(self, sides: tuple[str, ...]) -> tuple[Selector, ...]:
        """What of a packet is looked up, with ``src`` or ``dst`` for each part; flags that are too many count not."""
        found: list[Selector] = []
        for part, side in zip(self.parts, sides, strict=False):
            source = side == "src"
            match part:
                case "ip" | "net":
                    found.append(Side.SADDR if source else Side.DADDR)
                case "port":
                    found += (Transport.PROTOCOL, Transport.SPORT if source else Transport.DPORT)
                case "bare-port":
                    found.append(Transport.SPORT if source else Transport.DPORT)
                case "mac":
                    found.append(Field.ETHER_SADDR if source else Field.ETHER_DADDR)
                case "mark":
                    found.append(Field.META_MARK)
                case "iface":
                    found.append(Direction.IN if source else Direction.OUT)
                case _:
                    pass
        return tuple(found)


def parts_of(name: str) -> tuple[str, tuple[str, ...]] | None:
    """The name of a type as it is today and the parts of its key, or None: there is no such type."""
    name = _OLD.get(name, name)
    return (name, _TYPES[name]) if name in _TYPES else None
