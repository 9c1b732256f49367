"""Statements: what a rule does, besides its verdict, to a packet for which all its matches hold."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from polc.ir.family import Family
from polc.ir.matches import Side


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
    """Counts packets and bytes; ``name`` is a named counter, None one of the rule's own."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """Writes a line to the kernel log, or with ``group`` (0..65535) sends the packet to that nfnetlink_log group.

    The prefix has at most 127 bytes on nft, 29 in iptables' LOG, 63 in NFLOG; a group has no level.
    """

    prefix: str
    level: LogLevel = LogLevel.WARN
    group: int | None = None


@dataclass(frozen=True, slots=True)
class AssignHelper:
    """Attaches a conntrack helper (``ftp``, ``sip``, ...) to the packet's flow.

    It has an effect only on the first packet of a flow, before the flow is confirmed at the end of its
    path (net/netfilter/nft_ct.c, nft_ct_helper_obj_eval). ``protocol`` is the transport protocol.
    """

    helper: str
    protocol: int


@dataclass(frozen=True, slots=True)
class UpdateSet:
    """Adds the packet's address to a dynamic set, or renews its timeout (seconds; None: the set's own)."""

    side: Side
    set_name: str
    timeout: int | None = None


class MarkField(Enum):
    """The two marks; the value is nft's name."""

    META = "meta mark"
    CT = "ct mark"


@dataclass(frozen=True, slots=True)
class SetMark:
    """``mark = (mark & ~mask) | value``; both 0..2**32 - 1, ``value`` within ``mask``."""

    field: MarkField
    value: int
    mask: int = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class CopyMark:
    """Copies the packet's mark to its flow's (``to`` CT: save) or back (``to`` META: restore), under ``mask``.

    Bits outside the mask keep their value in the target (net/netfilter/xt_connmark.c).
    """

    to: MarkField
    mask: int = 0xFFFFFFFF


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


Statement = (
    Counter
    | Log
    | AssignHelper
    | UpdateSet
    | SetMark
    | CopyMark
    | Notrack
    | ClampMss
    | SetDscp
    | Tproxy
    | Synproxy
    | Native
)
