"""Matches that keep state: token buckets, hit counts, lists of sources, turns.

A rule that speaks of both families keeps its state per family, on every target: IPv4 and IPv6 tables
of iptables cannot share a bucket, and a source has one family anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Unit(Enum):
    """Periods that both kernels' limits know, in seconds (nft(8), LIMIT STATEMENT; iptables-extensions(8))."""

    SECOND = 1
    MINUTE = 60
    HOUR = 3600
    DAY = 86400


class KeyField(Enum):
    SOURCE = "source"
    DESTINATION = "destination"
    SPORT = "sport"
    DPORT = "dport"


@dataclass(frozen=True, slots=True)
class KeyPart:
    """One part of a key: an address cut to a prefix length (0..32 for IPv4, 0..128 for IPv6), or a whole port."""

    field: KeyField
    ip_length: int = 32
    ip6_length: int = 128


class Amount(Enum):
    """What a rate counts."""

    PACKETS = "packets"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Rate:
    """``count`` packets or bytes (1 or more) a ``unit``."""

    count: int
    unit: Unit
    amount: Amount = Amount.PACKETS

    @property
    def per_second(self) -> float:
        return self.count / self.unit.value


@dataclass(frozen=True, slots=True)
class Limit:
    """A token bucket that holds ``burst`` packets or, as the rate says, bytes (1 or more).

    It is full at first and refilled evenly at ``rate``.

    A packet that finds a token takes it. ``over`` False: the match holds when a token was taken; True:
    when there was none. With ``key``, each key value has its own bucket, of which at most ``size`` are
    kept; without, there is one. Matches of one ``table`` name share their buckets
    (net/netfilter/nft_limit.c, xt_limit.c, xt_hashlimit.c).
    """

    rate: Rate
    burst: int
    over: bool
    key: tuple[KeyPart, ...]
    table: str
    size: int = 65535


@dataclass(frozen=True, slots=True)
class Hits:
    """At least ``count`` packets of one source reached this match within the last ``window`` seconds, this one
    included.

    Every packet that reaches it is recorded. With ``refresh`` a packet for which it holds is recorded a
    second time, so that a source that goes on stays matched at half the pace. That is xt_recent's
    ``--set`` followed by ``--rcheck`` (``refresh``: ``--update``) ``--seconds --hitcount``
    (net/netfilter/xt_recent.c). ``count`` is 1..255, ``window`` 1 or more; ``table`` names the state.
    """

    count: int
    window: int
    key: KeyPart
    refresh: bool
    table: str
    size: int = 65535


@dataclass(frozen=True, slots=True)
class Connections:
    """Live conntrack entries of the key (without one: all that reach this match), this packet's flow included,
    are more than ``count`` (0 or more; ``over`` False: at most ``count``).

    Flows leave the count when conntrack forgets them (net/netfilter/nf_conncount.c). ``table`` names the state.
    """

    count: int
    over: bool
    key: tuple[KeyPart, ...]
    table: str
    size: int = 65535


@dataclass(frozen=True, slots=True)
class Quota:
    """At most ``bytes`` have passed this match so far, this packet included (``over``: more have).

    It never refills (net/netfilter/nft_quota.c, xt_quota.c).
    """

    bytes: int
    over: bool
    table: str


@dataclass(frozen=True, slots=True)
class EveryNth:
    """Holds for one in ``every`` (2 or more) of the packets that reach it: those whose count, from 0, is
    ``packet`` modulo ``every`` (nft ``numgen inc``, xt_statistic's nth mode).
    """

    every: int
    packet: int = 0


CERTAINTY = 1 << 31
"""The threshold of a chance that never fails."""


@dataclass(frozen=True, slots=True)
class RandomMatch:
    """Holds by chance, with probability ``threshold / CERTAINTY`` (0..``CERTAINTY``), anew for each packet that reaches
    it (net/netfilter/xt_statistic.c; nft ``meta random``). ``negated``: with the rest of it.
    """

    threshold: int
    negated: bool = False

    @property
    def always(self) -> bool:
        return self.threshold == (0 if self.negated else CERTAINTY)


class RecentVerb(Enum):
    """What a match of xt_recent does; the value is its option (iptables-extensions(8), recent)."""

    SET = "set"
    RCHECK = "rcheck"
    UPDATE = "update"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class RecentMatch:
    """xt_recent's own verbs on the list ``name``; ``key`` is a source or a destination, cut to a prefix.

    SET records the packet and holds always. RCHECK holds for an address on the list, last seen within ``seconds``
    (None: at any time), at least ``hits`` (None: once) times within them; with ``ttl`` only where the packet's TTL is
    that of the last record. UPDATE is RCHECK, and records the packet where it holds. REMOVE holds for an address on
    the list and takes it off. ``reap`` forgets entries older than ``seconds``. ``negated`` turns the answer, not what
    is done, except that a negated UPDATE records the addresses on the list for which it, so turned, holds
    (net/netfilter/xt_recent.c, recent_mt).
    """

    verb: RecentVerb
    name: str
    key: KeyPart
    seconds: int | None = None
    hits: int | None = None
    ttl: bool = False
    reap: bool = False
    negated: bool = False
