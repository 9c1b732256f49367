"""What stands left and right of an nft match (libnftables-json(5), EXPRESSIONS)."""

from __future__ import annotations

from dataclasses import dataclass

from polc.ir.family import Family
from polc.ir.intervals import Intervals


@dataclass(frozen=True, slots=True)
class Meta:
    """``meta KEY``; interface names, ``nfproto`` and ``l4proto``."""

    key: str


@dataclass(frozen=True, slots=True)
class Payload:
    """A header field; nft itself adds the match on the protocol that the header needs."""

    protocol: str
    field: str


@dataclass(frozen=True, slots=True)
class Ct:
    """``ct KEY``, or with ``original`` ``ct original KEY``: of the flow's first packet."""

    key: str
    original: bool = False


@dataclass(frozen=True, slots=True)
class TcpOption:
    """``tcp option NAME FIELD``; without a field whether there is such an option."""

    name: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Fib:
    """``fib FLAGS RESULT``: what the routing table says of an address."""

    result: str
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SocketTransparent:
    """``socket transparent``."""


@dataclass(frozen=True, slots=True)
class OsfName:
    """``osf name``."""


@dataclass(frozen=True, slots=True)
class FragmentOffset:
    """``frag frag-off``, of IPv6's fragment header."""


@dataclass(frozen=True, slots=True)
class NumberOf:
    """``numgen inc mod MODULUS``: counts packets from 0, around."""

    modulus: int


@dataclass(frozen=True, slots=True)
class Bits:
    """``inner & mask``, the mask a number."""

    inner: Meta | Ct | Payload
    mask: int


@dataclass(frozen=True, slots=True)
class Masked:
    """``payload & mask``, the mask a prefix length of the family's addresses."""

    payload: Payload
    family: Family
    length: int


@dataclass(frozen=True, slots=True)
class Concat:
    """Two or more parts side by side: a key of several fields."""

    parts: tuple[Payload | Masked, ...]


Key = Payload | Masked | Concat
Left = Meta | Ct | TcpOption | Fib | SocketTransparent | OsfName | FragmentOffset | NumberOf | Bits | Key


@dataclass(frozen=True, slots=True)
class Numbers:
    """One number, one range, or several as an anonymous set. Never by name: names depend on the host's /etc."""

    values: Intervals


@dataclass(frozen=True, slots=True)
class Addresses:
    """One address, prefix or range, or several as an anonymous interval set; disjoint, as kernels ask."""

    family: Family
    values: Intervals


@dataclass(frozen=True, slots=True)
class Names:
    """Interface names as nft spells them, several as an anonymous set."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flags:
    """Bits of which one must be set, as a list: never a set of values, the field is a bit mask."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Macs:
    """Hardware addresses, one, a range or an anonymous set."""

    values: Intervals


@dataclass(frozen=True, slots=True)
class Seconds:
    """Whole seconds of a field that the kernel keeps in milliseconds: to 999 of these in the last of a range."""

    values: Intervals


@dataclass(frozen=True, slots=True)
class Presence:
    """``exists`` or ``missing``."""

    exists: bool


@dataclass(frozen=True, slots=True)
class Symbols:
    """nft's own words for values, or names in quotes; several as an anonymous set."""

    names: tuple[str, ...]
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Protocol:
    """The value of ``meta nfproto``."""

    family: Family


@dataclass(frozen=True, slots=True)
class SetReference:
    """``@name``."""

    name: str


Right = Numbers | Addresses | Macs | Seconds | Presence | Symbols | Names | Flags | Protocol | SetReference
