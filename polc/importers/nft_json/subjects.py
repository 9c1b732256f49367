"""What stands on the left of a match or is a key: the part of a packet that a rule asks about (libnftables-json(5),
EXPRESSIONS).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from polc.importers.nft_json.json_value import Json
from polc.importers.nft_json.problems import Unknown
from polc.ir.family import Family
from polc.ir.fields import TCP_OPTION_KINDS, Field
from polc.ir.matches import Direction, ExtensionHeader, FlagField, NameField, Side, Trait
from polc.ir.protocols import ICMP, ICMPV6, PORT_PROTOCOLS, PROTOCOL_NAMES


@dataclass(frozen=True, slots=True)
class Address:
    side: Side
    family: Family


@dataclass(frozen=True, slots=True)
class FlowAddress:
    """An address of the packet's flow, of its first packet or (``reply``) of the answers."""

    side: Side
    family: Family
    reply: bool


@dataclass(frozen=True, slots=True)
class Port:
    """``protocol`` None: of whichever transport header there is (``th``)."""

    source: bool
    protocol: int | None


@dataclass(frozen=True, slots=True)
class Protocol:
    """The transport protocol; ``family``: as its header names it."""

    family: Family | None


@dataclass(frozen=True, slots=True)
class PacketFamily:
    """``meta nfproto``."""


@dataclass(frozen=True, slots=True)
class Interface:
    """``index``: by the number that the interface had when the rule was made."""

    direction: Direction
    index: bool


@dataclass(frozen=True, slots=True)
class Number:
    field: Field


@dataclass(frozen=True, slots=True)
class Flags:
    """``name`` is nft's."""

    field: FlagField
    name: str
    whole: int


@dataclass(frozen=True, slots=True)
class Name:
    field: NameField


@dataclass(frozen=True, slots=True)
class State:
    """``ct state``."""


@dataclass(frozen=True, slots=True)
class Icmp:
    """The type or the code of ICMP or ICMPv6."""

    protocol: int
    code: bool


@dataclass(frozen=True, slots=True)
class AddressKind:
    """What the routing table says of an address."""

    side: Side
    interface: Direction | None


@dataclass(frozen=True, slots=True)
class WayBack:
    """``fib saddr oif``."""

    loose: bool


@dataclass(frozen=True, slots=True)
class Fragment:
    """The offset of a fragment; that of IPv4 stands beside flags, under the mask 0x1fff."""

    family: Family


@dataclass(frozen=True, slots=True)
class Header:
    header: ExtensionHeader


@dataclass(frozen=True, slots=True)
class Option:
    """Whether a TCP option is there."""

    kind: int


@dataclass(frozen=True, slots=True)
class Has:
    trait: Trait


@dataclass(frozen=True, slots=True)
class Turn:
    """``numgen inc``: ``offset``, and so on up to ``offset + every - 1``, and again."""

    every: int
    offset: int


@dataclass(frozen=True, slots=True)
class Chance:
    """``meta random``."""


Subject = (
    Address
    | FlowAddress
    | Port
    | Protocol
    | PacketFamily
    | Interface
    | Number
    | Flags
    | Name
    | State
    | Icmp
    | AddressKind
    | WayBack
    | Fragment
    | Header
    | Option
    | Has
    | Turn
    | Chance
)

_EXTENSIONS = {one.value: one for one in ExtensionHeader}


@cache
def known() -> dict[str, Subject]:
    """All that rules can ask about, by nft's words, but for turns and extension headers as such."""
    found: dict[str, Subject] = {field.value: Number(field) for field in Field}
    for family in Family:
        for side in Side:
            found[f"{family.value} {side.value}"] = Address(side, family)
            for way in ("original", "reply"):
                found[f"ct {way} {family.value} {side.value}"] = FlowAddress(side, family, way == "reply")
    for name, source in (("sport", True), ("dport", False)):
        found[f"th {name}"] = Port(source, None)
        found.update((f"{PROTOCOL_NAMES[one]} {name}", Port(source, one)) for one in sorted(PORT_PROTOCOLS))
    for protocol, name in ((ICMP, "icmp"), (ICMPV6, "icmpv6")):
        found[f"{name} type"] = Icmp(protocol, code=False)
        found[f"{name} code"] = Icmp(protocol, code=True)
    for name, kind in TCP_OPTION_KINDS.items():
        found[f"tcp option {name}"] = Option(kind)
    for direction, word in ((Direction.IN, "iif"), (Direction.OUT, "oif")):
        found[f"meta {word}name"] = Interface(direction, index=False)
        found[f"meta {word}"] = Interface(direction, index=True)
        for address in Side:
            found[f"fib {address.value},{word} type"] = AddressKind(address, direction)
    for address in Side:
        found[f"fib {address.value} type"] = AddressKind(address, None)
    return found | {
        "meta l4proto": Protocol(None),
        "ip protocol": Protocol(Family.IP),
        "meta nfproto": PacketFamily(),
        "ct state": State(),
        "ct status": Flags(FlagField.CT_STATUS, "ct status", 0xFFFFFFFF),
        "tcp flags": Flags(FlagField.TCP_FLAGS, "tcp flags", 0xFF),
        "ct helper": Name(NameField.CT_HELPER),
        "osf name": Name(NameField.OSF_NAME),
        "ct protocol": Number(Field.CT_ORIGINAL_PROTOCOL),  # the same in both directions, and so listed without one
        "rt classid": Number(Field.META_RTCLASSID),
        "fib saddr oif": WayBack(loose=True),
        "fib saddr,iif oif": WayBack(loose=False),
        "ip frag-off": Fragment(Family.IP),
        "exthdr frag frag-off": Fragment(Family.IP6),
        "exthdr mh type": Number(Field.MH_TYPE),
        "meta ipsec": Has(Trait.IPSEC),
        "meta secpath": Has(Trait.IPSEC),
        "socket transparent": Has(Trait.SOCKET),
        "meta random": Chance(),
    }


def subject(value: Json) -> Subject:
    """Raises:
    Unknown: the IR has no words for this part of a packet.
    """
    match value:
        case {"exthdr": {"name": str(name), **rest}} if not rest and name in _EXTENSIONS:
            return Header(_EXTENSIONS[name])
        case {"tcp option": {"base": int(kind), "offset": 0, "len": 8, **rest}} if not rest and 2 <= kind <= 255:
            return Option(kind)
        case {"numgen": {"mode": "inc", "mod": int(every), **rest}} if every >= 2 and {*rest} <= {"offset"}:
            offset = rest.get("offset", 0)
            if isinstance(offset, int) and offset >= 0:
                return Turn(every, offset)
        case _:
            pass
    name = _name(value)
    found = known().get(name)
    if found is None:
        raise Unknown(f"polc has no words of its own for `{name}`")
    return found


def _name(value: Json) -> str:
    """As nft's own language names it."""
    if not isinstance(value, dict) or len(value) != 1:
        return "a value on the left of a match"
    ((kind, inside),) = value.items()
    match kind, inside:
        case "payload", {"protocol": str(protocol), "field": str(field), **rest} if not rest:
            return f"{protocol} {field}"
        case "meta" | "socket" | "rt" | "osf" | "ct", {"key": str(key), **rest} if not rest:
            return f"{kind} {key}"
        case "ct", {"key": str(key), "dir": "original" | "reply" as way, **rest} if not rest:
            return f"ct {way} {key}"
        case "tcp option", {"name": str(name), **rest} if not rest:
            return f"tcp option {name}"
        case "tcp option" | "exthdr", {"name": str(name), "field": str(field), **rest} if not rest:
            return f"{kind} {name} {field}"
        case "fib", {"result": str(result), "flags": flags, **rest} if not rest:
            words = [str(one) for one in flags] if isinstance(flags, list) else [str(flags)]
            # An address before the interface.
            return f"fib {','.join(sorted(words, key=lambda word: (word in ('iif', 'oif'), word)))} {result}"
        case _:
            return kind
