"""What the words of assertions and queries name in rulesets that are no policies: zones are interfaces, groups sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from polc.diagnostics import Collector
from polc.ir.matches import InterfacePattern
from polc.ir.ruleset import DynamicSet, Ruleset
from polc.policy.lower.classes import Names
from polc.policy.lower.scope import Settings, Zone
from polc.policy.lower.symbols import BUILTIN_ZONES, resolve_symbols
from polc.policy.lower.values import interface
from polc.policy.merge import DEFINITIONS


class Interfaces(Mapping[str, Zone | None]):
    """A zone for each name that an interface can have: ``eth0``, ``wg*``; and ``loopback``."""

    def __init__(self, known: Iterable[str]) -> None:
        self.known = sorted({*known, *BUILTIN_ZONES})

    def __getitem__(self, name: str) -> Zone:
        if name in BUILTIN_ZONES:
            return Zone(BUILTIN_ZONES[name])
        try:
            return Zone((interface(name),))
        except ValueError:
            raise KeyError(name) from None

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and bool(self[name])
        except KeyError:
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)


def names_of_rulesets(rulesets: Iterable[Ruleset]) -> Names:
    """The built-in services, every interface, and the named sets of addresses as ``@name``."""
    symbols = resolve_symbols({kind: {} for kind in DEFINITIONS}, {kind: set() for kind in DEFINITIONS}, Collector())
    sets: dict[str, tuple[DynamicSet, ...] | None] = {}
    for ruleset in rulesets:
        sets.update({one.name: (one,) for one in ruleset.sets if len(one.types) == 1})
    patterns = patterns_of(rulesets)
    return Names(symbols._replace(zones=Interfaces(one.name for one in patterns), dynamic=sets), Settings())


def patterns_of(rulesets: Iterable[Ruleset]) -> set[InterfacePattern]:
    """The interfaces that rules name."""
    from polc.symbolic.facts import Facts

    return Facts.of(rulesets).patterns
