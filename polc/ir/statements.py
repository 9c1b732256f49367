"""Statements: what a rule does, besides its verdict, to a packet for which all its matches hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from polc.ir.family import Family
from polc.ir.matches import NftWords, Syntax
from polc.ir.selectors import Element, Selector


class LogLevel(Enum):
    """syslog(3) levels by nft's names; the value is the number."""

    EMERG = 0
    ALERT = 1
    CRIT = 2
    ERR = 3
    WARN = 4
    NOTICE = 5
    INFO = 6
    DEBUG = 7


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts packets and bytes, from those given on; ``name`` is a named counter, None one of the rule's own."""

    name: str | None = None
    packets: int = 0
    bytes: int = 0


class LogFlag(Enum):
    """What else a line of the log has; the value is nft's word (nft(8), LOG STATEMENT)."""

    TCP_SEQUENCE = "tcp sequence"
    TCP_OPTIONS = "tcp options"
    IP_OPTIONS = "ip options"
    SKUID = "skuid"
    ETHER = "ether"


@dataclass(frozen=True, slots=True)
class Log:
    """Writes a line to the kernel log, or with ``group`` (0..65535) sends the packet to that nfnetlink_log group.

    The prefix has at most 127 bytes on nft, 29 in iptables' LOG, 63 in NFLOG; a group has no level and no flags, but
    ``snaplen`` (bytes of the packet, None: all) and ``queue_threshold`` (packets sent at once, None: one).
    """

    prefix: str
    level: LogLevel = LogLevel.WARN
    group: int | None = None
    flags: frozenset[LogFlag] = frozenset()
    snaplen: int | None = None
    queue_threshold: int | None = None


@dataclass(frozen=True, slots=True)
class AssignHelper:
    """Attaches a conntrack helper (``ftp``, ``sip``, ...) to the packet's flow.

    It has an effect only on the first packet of a flow, before the flow is confirmed at the end of its
    path (net/netfilter/nft_ct.c, nft_ct_helper_obj_eval). ``protocol`` is the transport protocol.
    """

    helper: str
    protocol: int


@dataclass(frozen=True, slots=True)
class AssignTimeout:
    """Gives the packet's flow timeouts of its own, in seconds by conntrack state (nft(8), CT TIMEOUT).

    ``protocol`` is tcp or udp; it has an effect on the first packet of a flow alone.
    """

    name: str
    protocol: int
    policy: tuple[tuple[str, int], ...]
    family: Family | None = None


class CtDirection(Enum):
    """Directions of a flow; the value is nft's word."""

    ORIGINAL = "original"
    REPLY = "reply"


@dataclass(frozen=True, slots=True)
class AssignZone:
    """Puts the packet into a conntrack zone, 0..65535, before conntrack looks at it (None: for both directions).

    Documentation: nft(8), CONNTRACK STATEMENT; iptables-extensions(8), CT.
    """

    zone: int
    direction: CtDirection | None = None


@dataclass(frozen=True, slots=True)
class Offload:
    """Puts the packet's flow into a flowtable: its further packets skip the forward path."""

    flowtable: str


class SetOperation(Enum):
    """``ADD`` leaves an element that is there as it is, ``UPDATE`` renews its timeout, ``DELETE`` takes it out."""

    ADD = "add"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class UpdateSet:
    """Changes the packet's element in a named set; ``timeout`` in seconds, None: the set's own.

    On nft a rule is broken off where the set is full, or where the packet lacks a part of the key.
    """

    key: tuple[Selector, ...]
    set_name: str
    timeout: int | None = None
    operation: SetOperation = SetOperation.UPDATE


class MarkField(Enum):
    """The two marks; the value is nft's name."""

    META = "meta mark"
    CT = "ct mark"


@dataclass(frozen=True, slots=True)
class SetMark:
    """``mark = (mark & ~mask) ^ value``; both 0..2**32 - 1 (net/netfilter/xt_mark.c, mark_tg).

    With a ``value`` within ``mask`` those bits become the value's.
    """

    field: MarkField
    value: int
    mask: int = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class CopyMark:
    """Copies the packet's mark to its flow's (``to`` CT: save) or back (``to`` META: restore):
    ``to = (to & ~mask) ^ (from & from_mask)`` (net/netfilter/xt_connmark.c).

    Bits outside the mask keep their value where it is copied to. ``from_mask`` None: the same as ``mask``.
    """

    to: MarkField
    mask: int = 0xFFFFFFFF
    from_mask: int | None = None


@dataclass(frozen=True, slots=True)
class MapMark:
    """Sets a mark to the value of the element that the packet's ``key`` is in; elsewhere the rule is broken off."""

    field: MarkField
    key: tuple[Selector, ...]
    elements: tuple[tuple[Element, int], ...]


@dataclass(frozen=True, slots=True)
class SetPriority:
    """Sets the queueing priority, 32 bits: for ``tc`` a class ``major:minor`` (nft ``meta priority set``, CLASSIFY)."""

    value: int


class HopChange(Enum):
    SET = "set"
    INCREASE = "increase"
    DECREASE = "decrease"


@dataclass(frozen=True, slots=True)
class SetHops:
    """Changes the TTL or hop limit by or to ``value``, 0..255; neither below 0 nor above 255 (xt_HL.c)."""

    value: int
    change: HopChange = HopChange.SET


@dataclass(frozen=True, slots=True)
class Trace:
    """Has the kernel report the packet's way through the rules (nft ``meta nftrace set 1``, TRACE)."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Sends a copy of the packet to a neighbour, ``address`` of ``family``, by ``device`` (None: as routed).

    nft ``dup to``, iptables TEE.
    """

    family: Family
    address: int
    device: str | None = None


@dataclass(frozen=True, slots=True)
class StripTcpOptions:
    """Overwrites TCP options of these kinds, 2..255, with no-ops (nft ``reset tcp option``, TCPOPTSTRIP)."""

    kinds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Notrack:
    """Exempts the packet from conntrack; only before its hook, at priority raw (net/netfilter/nft_ct.c)."""


@dataclass(frozen=True, slots=True)
class ClampMss:
    """Lowers the MSS option of a SYN to ``size`` bytes (None: to what the route's MTU allows), never raises it."""

    size: int | None = None


@dataclass(frozen=True, slots=True)
class SetDscp:
    """Sets the differentiated services code point, 0..63, of either family (RFC 2474)."""

    value: int


@dataclass(frozen=True, slots=True)
class Tproxy:
    """Hands the packet to a local transparent socket on ``port`` (None: its own), at mangle prerouting, and drops it
    where there is none (net/netfilter/xt_TPROXY.c, tproxy_tg4).

    ``address`` is the local address of ``family``, None: that of the incoming interface
    (Documentation/networking/tproxy.rst).
    """

    port: int | None
    family: Family | None = None
    address: int | None = None


@dataclass(frozen=True, slots=True)
class Synproxy:
    """Answers a SYN for the server behind, so that only complete handshakes reach it (nft(8), SYNPROXY STATEMENT).

    ``mss`` is 1..65535, ``wscale`` 0..14.
    """

    mss: int
    wscale: int
    timestamp: bool = True
    sack_perm: bool = True


@dataclass(frozen=True, slots=True)
class Native:
    """A rule's words in a target's own language: what they do to a packet, its way included, only the kernel knows.

    ``nft`` is what stands in a rule of ``nft -f``, ``nft_json`` a list of statements in JSON (libnftables-json(5)),
    ``iptables`` what stands behind ``-A CHAIN`` for the families of the rule; None: nothing is said for that target.
    The rule has no matches, verdict or other statements.
    """

    nft: str | None
    nft_json: str | None
    iptables: str | None


@dataclass(frozen=True, slots=True)
class Omission:
    """What it means that a target leaves something out: the ``name`` of that approximation, and the difference.
    ``instead`` is what nft does in its place, nothing for None.
    """

    name: str
    message: str
    instead: NftWords | None = None


@dataclass(frozen=True, slots=True)
class OpaqueStatement:
    """What a rule does in a tool's own words, which nothing here looks into: for iptables ``-j TARGET`` with its
    options, for nft one JSON statement. Where the packet goes then, only the kernel knows.

    ``omission``: the packet goes on to the next rule, and nothing that rules or routing look at is changed.
    """

    words: str
    syntax: Syntax
    reason: str = field(default="", compare=False)
    omission: Omission | None = field(default=None, compare=False)


Statement = (
    Counter
    | Log
    | AssignHelper
    | AssignTimeout
    | AssignZone
    | Offload
    | UpdateSet
    | SetMark
    | CopyMark
    | MapMark
    | SetPriority
    | SetHops
    | Trace
    | Duplicate
    | StripTcpOptions
    | Notrack
    | ClampMss
    | SetDscp
    | Tproxy
    | Synproxy
    | Native
    | OpaqueStatement
)
