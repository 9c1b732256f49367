"""Rules, chains, sets, and the ruleset that holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from polc.ir.family import BOTH, FAMILIES, Family
from polc.ir.matches import Match, Syntax
from polc.ir.origin import Origin
from polc.ir.selectors import ADDRESS_TYPES, Element, KeyType
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


class TableFamily(Enum):
    """What packets a table sees; the value is nft's keyword (nft(8), ADDRESS FAMILIES)."""

    INET = "inet"
    IP = "ip"
    IP6 = "ip6"
    ARP = "arp"
    BRIDGE = "bridge"
    NETDEV = "netdev"


class Hook(Enum):
    """Netfilter's hooks, by nft's names. The first two are those of single devices; inet tables have ``ingress`` since
    Linux 5.10, and ``egress`` is netdev's, since 5.16.
    """

    INGRESS = "ingress"
    EGRESS = "egress"
    PREROUTING = "prerouting"
    INPUT = "input"
    FORWARD = "forward"
    OUTPUT = "output"
    POSTROUTING = "postrouting"


DEVICE_HOOKS = (Hook.INGRESS, Hook.EGRESS)
"""The hooks of single devices."""

IP_HOOKS = (Hook.PREROUTING, Hook.INPUT, Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING)
"""The hooks that belong to no device, in the order of a packet's way."""


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
    """A chain that the kernel calls at a hook; ``policy`` decides what no rule decided.

    ``devices`` are the interfaces of a chain at ingress or egress, by their full names.
    """

    name: str
    type: ChainType
    hook: Hook
    priority: int
    policy: Accept | Drop
    rules: tuple[Rule, ...]
    origin: Origin = field(default_factory=Origin, compare=False)
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RegularChain:
    """A chain that rules jump or go to."""

    name: str
    rules: tuple[Rule, ...]
    origin: Origin = field(default_factory=Origin, compare=False)


Chain = BaseChain | RegularChain


@dataclass(frozen=True, slots=True)
class DynamicSet:
    """A named set, whose elements ``UpdateSet`` or somebody by hand changes at run time.

    ``types`` are the parts of its key. It has at most ``size`` elements (None: as many as there is room for), each for
    ``timeout`` seconds (None: for good), and in the beginning ``elements``. ``intervals``: elements may be ranges.
    """

    name: str
    types: tuple[KeyType, ...]
    size: int | None
    timeout: int | None
    origin: Origin = field(default_factory=Origin, compare=False)
    elements: tuple[Element, ...] = ()
    intervals: bool = False

    @classmethod
    def of_addresses(
        cls, name: str, family: Family, size: int, timeout: int | None, origin: Origin | None = None
    ) -> DynamicSet:
        """A set of single addresses of one family, empty at first."""
        return cls(name, (ADDRESS_TYPES[family],), size, timeout, origin or Origin())

    @property
    def families(self) -> frozenset[Family]:
        """The families of packets that can have an element: one where addresses are part of the key."""
        found = frozenset(family for family in FAMILIES if ADDRESS_TYPES[family] in self.types)
        return found or BOTH


@dataclass(frozen=True, slots=True)
class Flowtable:
    """Flows of the forward path that skip it from then on, between ``devices`` (nft(8), FLOWTABLES).

    ``priority`` is that of its ingress hook. ``hardware``: the devices do it themselves.
    """

    name: str
    devices: tuple[str, ...]
    priority: int = 0
    hardware: bool = False
    origin: Origin = field(default_factory=Origin, compare=False)


@dataclass(frozen=True, slots=True)
class OpaqueDeclaration:
    """What a table holds beside chains, sets and flowtables, in a tool's own words: for nft one object of
    libnftables-json(5) in canonical form, without its family, table and handle. Opaque rules name it.
    """

    words: str
    syntax: Syntax
    reason: str = field(default="", compare=False)
    origin: Origin = field(default_factory=Origin, compare=False)


@dataclass(frozen=True, slots=True)
class Ruleset:
    """What a target holds: one nft table, or the tables of iptables for both families.

    Chain, set and flowtable names are unique; every jump names a regular chain of the ruleset. ``origin`` is where the
    table got its name. In a table of ``family`` ip or ip6 all rules speak of that family alone.
    """

    chains: tuple[Chain, ...]
    sets: tuple[DynamicSet, ...] = ()
    table: str = "polc"
    origin: Origin = field(default_factory=Origin, compare=False)
    family: TableFamily = TableFamily.INET
    flowtables: tuple[Flowtable, ...] = ()
    declarations: tuple[OpaqueDeclaration, ...] = ()
