"""What rules are lowered within: the names of the policy, the chain, and where errors go."""

from __future__ import annotations

from binascii import crc32
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from polc.diagnostics import Collector
from polc.ir.addresses import AddressSet
from polc.ir.family import BOTH, Family
from polc.ir.matches import InterfacePattern, ServiceTerm
from polc.ir.ruleset import ChainType, DynamicSet, Flowtable, Hook, Priority, RegularChain
from polc.ir.statements import AssignTimeout
from polc.policy.document import AnyRule, Word


class Part(NamedTuple):
    """One term of a service, and the conntrack helper that goes with it."""

    term: ServiceTerm
    helper: str | None = None


Service = tuple[Part, ...]


class Zone(NamedTuple):
    """A packet of the zone uses one of the interfaces and, where there are ``addresses``, has one of those."""

    patterns: tuple[InterfacePattern, ...]
    addresses: AddressSet | None = None


class Settings(NamedTuple):
    """What holds for the policy as a whole; None: not said."""

    table: Word | None = None
    family: Word | None = None
    management: Service | None = None
    log_level: Word | None = None
    log_group: Word | None = None

    @property
    def families(self) -> frozenset[Family]:
        """The families of packets that the policy is about."""
        return frozenset({Family(self.family.text)}) if self.family else BOTH


class Symbols(NamedTuple):
    """The policy's names. None: it is defined, but wrongly, which has been said already where it is defined.

    ``dynamic`` are address groups that are filled at run time, one set a family; ``chains`` regular chains.
    """

    zones: Mapping[str, Zone | None]
    addresses: Mapping[str, AddressSet | None]
    services: Mapping[str, Service | None]
    dynamic: Mapping[str, tuple[DynamicSet, ...] | None] = {}
    chains: Collection[str] = ()
    macros: Mapping[str, tuple[AnyRule, ...] | None] = {}
    timeouts: Mapping[str, AssignTimeout | None] = {}
    flowtables: Mapping[str, Flowtable | None] = {}


@dataclass(slots=True)
class StateTables:
    """Hands out names for the state of limits and for chains that rules need: no two alike in a policy."""

    taken: dict[str, int] = field(default_factory=dict)
    chains: list[RegularChain] = field(default_factory=list)
    """The chains that rules needed."""

    def fresh(self, chain: str, canonical: str) -> str:
        """``<chain>-<6 hex digits of the rule's text>``: a rule keeps its name when others come or go.

        A check sum is enough, because names that meet get a number; hashlib would load OpenSSL.
        """
        name = f"{chain}-{crc32(canonical.encode()) & 0xFFFFFF:06x}"
        repeated = self.taken.get(name, 0)
        self.taken[name] = repeated + 1
        return f"{name}-{repeated + 1}" if repeated else name


class Place(NamedTuple):
    """Where the kernel calls a base chain; ``name`` is what the policy calls it."""

    name: str
    hook: Hook
    type: ChainType = ChainType.FILTER
    priority: Priority = Priority.FILTER


PREROUTING = Place("nat-prerouting", Hook.PREROUTING, ChainType.NAT, Priority.DSTNAT)
POSTROUTING = Place("nat-postrouting", Hook.POSTROUTING, ChainType.NAT, Priority.SRCNAT)
"""Where rules of `nat` as one list stand."""


class Scope(NamedTuple):
    """``places`` of a base chain is its own, of a regular one those of the base chains that lead there."""

    chain: str
    places: tuple[Place, ...]
    symbols: Symbols
    tables: StateTables
    collector: Collector
    settings: Settings = Settings()

    @property
    def hooks(self) -> frozenset[Hook]:
        """The hooks whose packets come here; none where nothing leads to the chain."""
        return frozenset(place.hook for place in self.places)
