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
Left = Meta | CtState | Key


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
class Protocol:
    """The value of ``meta nfproto``."""

    family: Family


@dataclass(frozen=True, slots=True)
class SetReference:
    """``@name``."""

    name: str


Right = Numbers | Addresses | Names | Flags | Protocol | SetReference
