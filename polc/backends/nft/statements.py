"""What a rule of nft consists of, in the order in which the kernel runs it (libnftables-json(5), STATEMENTS)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from polc.backends.nft.expressions import (
    Addresses,
    Bits,
    Field,
    Key,
    Left,
    Mixed,
    Numbers,
    Replaced,
    Right,
    RouteMtu,
    TcpOption,
)
from polc.ir.family import Family


@dataclass(frozen=True, slots=True)
class Compare:
    left: Left
    right: Right
    negated: bool = False


@dataclass(frozen=True, slots=True)
class RateLimit:
    """``limit rate [over] COUNT/UNIT burst BURST packets``; ``unit`` is second, minute, hour, day or week.

    In ``bytes`` the bucket holds ``burst`` beside what a unit brings (net/netfilter/nft_limit.c, nft_limit_init).
    """

    count: int
    unit: str
    burst: int
    over: bool
    bytes: bool = False


@dataclass(frozen=True, slots=True)
class ConnectionCount:
    """``ct count [over] COUNT``."""

    count: int
    over: bool


@dataclass(frozen=True, slots=True)
class ByteQuota:
    """``quota [over] BYTES bytes``."""

    bytes: int
    over: bool


@dataclass(frozen=True, slots=True)
class Meter:
    """A limit for each value of ``key``, kept in a set of its own; an element lives ``timeout`` seconds after its use.

    ``timeout`` None: as long as it counts a connection.

    ``meter`` and not ``update @set { key limit ... }``, which lists the same and is the same to the
    kernel: JSON of nft before 1.0.6 drops the limit of the latter in silence.
    """

    name: str
    size: int
    key: Key
    timeout: int | None
    limit: RateLimit | ConnectionCount


class SetOperation(Enum):
    ADD = "add"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class SetElement:
    """Adds ``key`` to a set; ``UPDATE`` also renews its timeout (seconds; None: the set's own).

    With ``limit`` each element carries that limit, and the rule goes on only while it matches.
    """

    operation: SetOperation
    set_name: str
    key: Key
    timeout: int | None = None
    limit: RateLimit | ConnectionCount | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """A counter of the rule's own, or the named one."""

    name: str | None


@dataclass(frozen=True, slots=True)
class LogLine:
    """``level`` is nft's word; with a ``group`` there is none."""

    prefix: str
    level: str
    group: int | None = None


@dataclass(frozen=True, slots=True)
class UseHelper:
    """``ct helper set NAME``."""

    name: str


@dataclass(frozen=True, slots=True)
class RejectWith:
    """``type`` is icmpx, icmp, icmpv6 or ``tcp reset``, which has no ``code``."""

    type: str
    code: str


class Word(Enum):
    """Statements and verdicts without an argument."""

    ACCEPT = "accept"
    DROP = "drop"
    RETURN = "return"
    NOTRACK = "notrack"


@dataclass(frozen=True, slots=True)
class Call:
    """``jump`` or ``goto`` a chain."""

    word: str
    chain: str


@dataclass(frozen=True, slots=True)
class Translate:
    """snat, dnat, masquerade or redirect; addresses and ports are one value or one range.

    ``prefix``: the addresses are a prefix, which takes the place of the packet's own (netmap).
    """

    word: str
    addresses: Addresses | None
    ports: Numbers | None
    flags: tuple[str, ...] = ()
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Assign:
    """``LEFT set VALUE``."""

    field: Field | TcpOption
    value: int | Field | Bits | Replaced | Mixed | RouteMtu


@dataclass(frozen=True, slots=True)
class ToSocket:
    """``tproxy``; ``address`` is text."""

    family: Family | None
    address: str
    port: int | None


@dataclass(frozen=True, slots=True)
class Handshake:
    """``synproxy``."""

    mss: int
    wscale: int
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Words that somebody wrote for nft: in its language, and as a list of statements in JSON."""

    text: str
    json: str


RuleStatement = (
    Compare
    | RateLimit
    | ConnectionCount
    | ByteQuota
    | Meter
    | SetElement
    | Count
    | LogLine
    | UseHelper
    | RejectWith
    | Word
    | Call
    | Translate
    | Assign
    | ToSocket
    | Handshake
    | Verbatim
)
