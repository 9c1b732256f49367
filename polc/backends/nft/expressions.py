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
class CtState:
    """``ct state``."""


@dataclass(frozen=True, slots=True)
class Ct:
    """``ct [original] KEY``; ``direction`` is empty for keys that have none."""

    key: str
    direction: str = ""


@dataclass(frozen=True, slots=True)
class TcpOption:
    """A field of a TCP option, or, without one, whether the option is there; ``name`` may be the number of a kind."""

    name: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class ExtensionHeader:
    """A field of an IPv6 extension header, which a packet without that header has not; without ``field``, whether the
    header is there.
    """

    name: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Fib:
    """A look at the routing table: ``result`` is ``oif`` or ``type``, ``flags`` is what it is asked with."""

    result: str
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Socket:
    """``socket transparent``; a packet that no socket would take has no such field."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """``osf name``."""


@dataclass(frozen=True, slots=True)
class Turn:
    """``numgen inc mod N``: 0, 1, ... N-1 and again, one step for each packet that comes here."""

    modulus: int


@dataclass(frozen=True, slots=True)
class RouteMtu:
    """``rt mtu``: the segment size that the route's MTU allows."""


@dataclass(frozen=True, slots=True)
class Masked:
    """``payload & mask``, the mask a prefix length of the family's addresses."""

    payload: Payload
    family: Family
    length: int


Part = Meta | CtState | Ct | Payload | Masked | TcpOption | ExtensionHeader


@dataclass(frozen=True, slots=True)
class Concat:
    """Two or more parts side by side: a key of several fields."""

    parts: tuple[Part, ...]


Field = Meta | Ct | Payload | ExtensionHeader


@dataclass(frozen=True, slots=True)
class Bits:
    """``field & mask``, the mask a number."""

    field: Field
    mask: int


@dataclass(frozen=True, slots=True)
class Replaced:
    """``field & mask ^ value``: the bits of the mask stay, those of the value are toggled."""

    field: Field
    mask: int
    value: int

    @property
    def word(self) -> str:
        """Bits that the mask has cleared are set, whichever of the two is said."""
        return "^" if self.mask & self.value else "|"

    @property
    def keeps_all(self) -> bool:
        return self.mask == 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class TwoMarks:
    """``field & mask ^ other & other_mask``: bits of one mark toggled by those of another."""

    field: Field
    mask: int
    other: Field
    other_mask: int


Key = Part | Concat
Left = Key | Bits | Fib | Socket | Fingerprint | Turn


@dataclass(frozen=True, slots=True)
class Numbers:
    """One number, one range, or several as an anonymous set. Never by name: names depend on the host's /etc."""

    values: Intervals


@dataclass(frozen=True, slots=True)
class Addresses:
    """One address, prefix or range, or several as an anonymous set; disjoint, as kernels ask.

    ``each``: every address by itself, for a set without ranges, which costs the kernel less to make.
    """

    family: Family
    values: Intervals
    each: bool = False


@dataclass(frozen=True, slots=True)
class Names:
    """Interface names as nft spells them, several as an anonymous set."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flags:
    """Bits of which one must be set, as a list: never a set of values, the field is a bit mask."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Protocol:
    """The value of ``meta nfproto``."""

    family: Family


@dataclass(frozen=True, slots=True)
class SetReference:
    """``@name``."""

    name: str


@dataclass(frozen=True, slots=True)
class Bound:
    """A number or more (``word`` is `>=`), or less (`<=`, `<`)."""

    word: str
    value: int


@dataclass(frozen=True, slots=True)
class Hardware:
    """MAC addresses: one, a range, or several as an anonymous set."""

    values: Intervals


@dataclass(frozen=True, slots=True)
class WholeSeconds:
    """Seconds, the parts of the last one included: the kernel counts milliseconds."""

    values: Intervals


@dataclass(frozen=True, slots=True)
class Words:
    """Words of nft itself, several as an anonymous set."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """``exists`` or ``missing``."""

    there: bool


Values = Numbers | Addresses | Names | Hardware
"""What a part of a key can be: in a cell of one row one value or range, by itself any number of them."""

Row = tuple[Values, ...]
"""An element of several parts side by side."""


@dataclass(frozen=True, slots=True)
class Rows:
    """An anonymous set of elements of several parts."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Lookup:
    """``key map {...}``: the value of the row that the key is in; without one the rule is broken off.

    ``pairs`` are rows with their values, or the name of a map.
    """

    key: Key
    pairs: tuple[tuple[Row, Row], ...] | SetReference


@dataclass(frozen=True, slots=True)
class Twice:
    """One value as a set of it and itself: of a set with one element nft takes the element alone."""

    of: Numbers | Hardware


Right = Bound | Twice | WholeSeconds | Words | Exists | Flags | Protocol | SetReference | Values | Rows
