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
    Lookup,
    Numbers,
    Replaced,
    Right,
    RouteMtu,
    Row,
    SetReference,
    TcpOption,
    TwoMarks,
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
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class SetElement:
    """Adds ``key`` to a set or takes it out; ``UPDATE`` also renews its timeout (seconds; None: the set's own).

    With ``limit`` each element carries that limit, and the rule goes on only while it matches.
    """

    operation: SetOperation
    set_name: str
    key: Key
    timeout: int | None = None
    limit: RateLimit | ConnectionCount | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """A counter of the rule's own, from these numbers on, or the named one."""

    name: str | None
    packets: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class LogLine:
    """``level`` is nft's word; with a ``group`` there is none, and no ``flags``."""

    prefix: str
    level: str
    group: int | None = None
    flags: tuple[str, ...] = ()
    snaplen: int | None = None
    queue_threshold: int | None = None


class ObjectKind(Enum):
    """Kinds of named objects that rules use; the value is nft's name."""

    HELPER = "ct helper"
    TIMEOUT = "ct timeout"
    LIMIT = "limit"
    QUOTA = "quota"


@dataclass(frozen=True, slots=True)
class UseObject:
    """``ct helper set NAME``, ``ct timeout set NAME``, ``limit name NAME``, ``quota name NAME``."""

    kind: ObjectKind
    name: str


@dataclass(frozen=True, slots=True)
class AddFlow:
    """``flow add @NAME``."""

    flowtable: str


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
class Decide:
    """``vmap``: the verdict of the row that the key is in; where there is none the rule goes on."""

    key: Key
    pairs: tuple[tuple[Row, Word | Call], ...] | SetReference


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
class TranslateBy:
    """snat, dnat or redirect to what a map says: an address of ``family``, a port, or with ``ports`` both of them."""

    word: str
    family: Family | None
    lookup: Lookup
    ports: bool
    flags: tuple[str, ...] = ()


Assigned = int | Field | Bits | Replaced | TwoMarks | RouteMtu | Lookup


@dataclass(frozen=True, slots=True)
class Assign:
    """``LEFT set VALUE``."""

    field: Field | TcpOption
    value: Assigned


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
class CopyTo:
    """``dup to``; ``address`` is text, ``device`` empty for none."""

    address: str
    device: str


@dataclass(frozen=True, slots=True)
class ResetOption:
    """``reset tcp option``."""

    kind: int


@dataclass(frozen=True, slots=True)
class QueueTo:
    """``queue num``; ``numbers`` is one value or one range."""

    numbers: Numbers
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
    | UseObject
    | AddFlow
    | RejectWith
    | Word
    | Call
    | Decide
    | Translate
    | TranslateBy
    | Assign
    | ToSocket
    | Handshake
    | CopyTo
    | ResetOption
    | QueueTo
    | Verbatim
)
