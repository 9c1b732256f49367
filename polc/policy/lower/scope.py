"""What rules are lowered within: the names of the policy, the chain, and where errors go."""

from __future__ import annotations

from binascii import crc32
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from polc.diagnostics import Collector
from polc.ir.addresses import AddressSet
from polc.ir.matches import InterfacePattern, ServiceTerm
from polc.ir.ruleset import Hook


class Part(NamedTuple):
    """One term of a service, and the conntrack helper that goes with it."""

    term: ServiceTerm
    helper: str | None = None


Service = tuple[Part, ...]


class Symbols(NamedTuple):
    """The policy's names. None: it is defined, but wrongly, which has been said already where it is defined."""

    zones: Mapping[str, tuple[InterfacePattern, ...] | None]
    addresses: Mapping[str, AddressSet | None]
    services: Mapping[str, Service | None]


@dataclass(slots=True)
class StateTables:
    """Hands out names for the state of limits: no two alike in a policy."""

    taken: dict[str, int] = field(default_factory=dict)

    def fresh(self, chain: str, canonical: str) -> str:
        """``<chain>-<6 hex digits of the rule's text>``: a rule keeps its name when others come or go.

        A check sum is enough, because names that meet get a number; hashlib would load OpenSSL.
        """
        name = f"{chain}-{crc32(canonical.encode()) & 0xFFFFFF:06x}"
        repeated = self.taken.get(name, 0)
        self.taken[name] = repeated + 1
        return f"{name}-{repeated + 1}" if repeated else name


class Scope(NamedTuple):
    hook: Hook
    symbols: Symbols
    tables: StateTables
    collector: Collector
