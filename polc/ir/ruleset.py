"""Rules, chains, sets, and the ruleset that holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from polc.ir.family import BOTH, Family
from polc.ir.matches import Match
from polc.ir.origin import Origin
from polc.ir.statements import Statement
from polc.ir.verdicts import Accept, Drop, Verdict


@dataclass(frozen=True, slots=True)
class Rule:
    """For packets of ``families`` for which all ``matches`` hold, tried in order: the statements, then the verdict.

    Stateful matches stand last, so that they count only what the others let through.
    """

    matches: tuple[Match, ...]
    verdict: Verdict | None
    statements: tuple[Statement, ...] = ()
    families: frozenset[Family] = BOTH
    origin: Origin = field(default_factory=Origin, compare=False)


class Hook(Enum):
    """Netfilter's hooks of the inet family, by nft's names."""

    PREROUTING = "prerouting"
    INPUT = "input"
    FORWARD = "forward"
    OUTPUT = "output"
    POSTROUTING = "postrouting"


class ChainType(Enum):
    FILTER = "filter"
    NAT = "nat"
    ROUTE = "route"


class Priority(Enum):
    """Standard priorities (nft(8), Table 7; uapi/linux/netfilter_ipv4.h). Lower runs first; conntrack is at -200."""

    RAW = -300
    MANGLE = -150
    DSTNAT = -100
    FILTER = 0
    SECURITY = 50
    SRCNAT = 100


@dataclass(frozen=True, slots=True)
class BaseChain:
    """A chain that the kernel calls at a hook; ``policy`` decides what no rule decided."""

    name: str
    type: ChainType
    hook: Hook
    priority: int
    policy: Accept | Drop
    rules: tuple[Rule, ...]
    origin: Origin = field(default_factory=Origin, compare=False)


@dataclass(frozen=True, slots=True)
class RegularChain:
    """A chain that rules jump or go to."""

    name: str
    rules: tuple[Rule, ...]
    origin: Origin = field(default_factory=Origin, compare=False)


Chain = BaseChain | RegularChain


@dataclass(frozen=True, slots=True)
class DynamicSet:
    """Addresses of one family, added by ``UpdateSet`` at run time.

    At most ``size``, each for ``timeout`` seconds (None: for good).
    """

    name: str
    family: Family
    size: int
    timeout: int | None
    origin: Origin = field(default_factory=Origin, compare=False)


@dataclass(frozen=True, slots=True)
class Ruleset:
    """What a target holds: one nft table, or the tables of iptables for both families.

    Chain and set names are unique; every jump names a regular chain of the ruleset. ``origin`` is where the table
    got its name.
    """

    chains: tuple[Chain, ...]
    sets: tuple[DynamicSet, ...] = ()
    table: str = "polc"
    origin: Origin = field(default_factory=Origin, compare=False)
