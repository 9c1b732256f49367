"""Statements: what a rule does, besides its verdict, to a packet for which all its matches hold."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

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
    """Writes a line to the kernel log. The prefix has at most 127 bytes on nft, 29 on iptables."""

    prefix: str
    level: LogLevel = LogLevel.WARN


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


Statement = Counter | Log | AssignHelper | UpdateSet
