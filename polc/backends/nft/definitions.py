"""What an nft table holds (libnftables-json(5), RULESET ELEMENTS)."""

from __future__ import annotations

from dataclasses import dataclass

from polc.backends.nft.expressions import Right, Row
from polc.backends.nft.statements import ByteQuota, Call, RateLimit, RuleStatement, Word

LONGEST_COMMENT = 127
"""Bytes: NFTNL_UDATA_COMMENT_MAXLEN is 128 (libnftnl, udata.h), and readers want room for a NUL."""


@dataclass(frozen=True, slots=True)
class CounterDefinition:
    """A named counter, with the numbers that it begins with."""

    name: str
    packets: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class HelperDefinition:
    """A conntrack helper for a transport protocol (``tcp`` or ``udp``)."""

    name: str
    type: str
    protocol: str


@dataclass(frozen=True, slots=True)
class TimeoutDefinition:
    """Timeouts of conntrack, seconds by state, for ``tcp`` or ``udp``; ``family`` may be empty."""

    name: str
    protocol: str
    policy: tuple[tuple[str, int], ...]
    family: str


@dataclass(frozen=True, slots=True)
class LimitDefinition:
    name: str
    limit: RateLimit


@dataclass(frozen=True, slots=True)
class QuotaDefinition:
    name: str
    quota: ByteQuota


@dataclass(frozen=True, slots=True)
class FlowtableDefinition:
    """``flags`` is empty or ``offload``."""

    name: str
    devices: tuple[str, ...]
    priority: int
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetDefinition:
    """``types`` are the parts of its key, ``timeout`` (seconds) what its elements have by default.

    Without one they stay for good, in a ``timed`` set unless whoever adds them says how long. ``size`` is the most that
    it takes, ``elements`` what it has in the beginning.
    """

    name: str
    types: tuple[str, ...]
    size: int | None = None
    timeout: int | None = None
    timed: bool = False
    interval: bool = False
    elements: Right | None = None


@dataclass(frozen=True, slots=True)
class MapDefinition:
    """A map of rows of ``types`` to values of ``kind`` (``verdict``, ``mark``, or the types of what is looked up)."""

    name: str
    types: tuple[str, ...]
    kind: tuple[str, ...]
    pairs: tuple[tuple[Row, Row | Word | Call], ...]


@dataclass(frozen=True, slots=True)
class RuleDefinition:
    """``comment`` is empty for none."""

    statements: tuple[RuleStatement, ...]
    comment: str


@dataclass(frozen=True, slots=True)
class HookDefinition:
    type: str
    hook: str
    priority: int
    policy: str
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChainDefinition:
    """A base chain when it has a ``hook``."""

    name: str
    hook: HookDefinition | None
    rules: tuple[RuleDefinition, ...]


@dataclass(frozen=True, slots=True)
class OpaqueDefinition:
    """An object in the words of nft's JSON, without its family and table; ``kind`` is its key."""

    kind: str
    name: str
    words: str


Definition = (
    CounterDefinition
    | HelperDefinition
    | TimeoutDefinition
    | LimitDefinition
    | QuotaDefinition
    | FlowtableDefinition
    | SetDefinition
    | MapDefinition
    | OpaqueDefinition
)
"""What stands in a table beside its chains."""


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """One table, which polc owns as a whole; ``definitions`` stand before all chains, since rules name them."""

    family: str
    name: str
    definitions: tuple[Definition, ...]
    chains: tuple[ChainDefinition, ...]
