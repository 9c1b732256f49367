"""What a rule of nft consists of, in the order in which the kernel runs it (libnftables-json(5), STATEMENTS)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from polc.backends.nft.expressions import Addresses, Ct, Key, Left, Meta, Numbers, Payload, Right, TcpOption
from polc.ir.family import Family


@dataclass(frozen=True, slots=True)
class Compare:
    left: Left
    right: Right
    negated: bool = False


@dataclass(frozen=True, slots=True)
class RateLimit:
    """``limit rate [over] COUNT [bytes]/UNIT burst BURST packets``; ``unit`` is second, minute, hour, day or week.

    ``burst`` counts bytes where the rate does.
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
class QuotaBytes:
    """``quota [over] BYTES bytes``, of the rule's own."""

    bytes: int
    over: bool


@dataclass(frozen=True, slots=True)
class QuotaName:
    """``quota name NAME``, which several rules may use."""

    name: str


@dataclass(frozen=True, slots=True)
class Meter:
    """A limit for each value of ``key``, kept in a set of its own.

    An element lives ``timeout`` seconds after its use; None: as long as it counts something.

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
    limit: RateLimit | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """A counter of the rule's own, or the named one."""

    name: str | None


@dataclass(frozen=True, slots=True)
class LogLine:
    """``level`` is nft's word; a line for a ``group`` has none."""

    prefix: str
    level: str
    group: int | None = None


@dataclass(frozen=True, slots=True)
class UseHelper:
    """``ct helper set NAME``."""

    name: str


@dataclass(frozen=True, slots=True)
class Combined:
    """``(left & keep) | value``; a ``keep`` of all bits and a ``value`` of none are not written."""

    left: Meta | Ct
    keep: int
    value: int


class RouteMtu(Enum):
    """``rt mtu``: the MSS that the route allows."""

    RT_MTU = "mtu"


@dataclass(frozen=True, slots=True)
class Assign:
    """``left set value``."""

    left: Meta | Ct | Payload | TcpOption
    value: int | Meta | Ct | Combined | RouteMtu


@dataclass(frozen=True, slots=True)
class TproxyTo:
    """``tproxy [FAMILY] to [ADDRESS][:PORT]``; one of both at least."""

    family: Family | None
    address: int | None
    port: int | None


@dataclass(frozen=True, slots=True)
class SynproxyWith:
    """``synproxy mss MSS wscale WSCALE FLAGS``."""

    mss: int
    wscale: int
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RejectWith:
    """``type`` is icmpx, icmp, icmpv6 or ``tcp reset``, which has no ``code``."""

    type: str
    code: str


class Word(Enum):
    """Verdicts without an argument."""

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

    With ``prefix`` the addresses are one prefix, and host bits are kept.
    """

    word: str
    addresses: Addresses | None
    ports: Numbers | None
    flags: tuple[str, ...] = ()
    prefix: bool = False


RuleStatement = (
    Compare
    | RateLimit
    | ConnectionCount
    | QuotaBytes
    | QuotaName
    | Meter
    | SetElement
    | Count
    | LogLine
    | UseHelper
    | Assign
    | TproxyTo
    | SynproxyWith
    | RejectWith
    | Word
    | Call
    | Translate
)
