"""What is compared, and how."""

from __future__ import annotations

from dataclasses import dataclass, field

from polc.diffing.names import Names
from polc.ir.family import FAMILIES, Family
from polc.ir.flavour import Flavour
from polc.ir.ruleset import Ruleset
from polc.symbolic.hooks import Loaded

BUDGET = 4_000_000
"""Nodes of diagrams, which take about 200 bytes each."""


@dataclass(frozen=True, slots=True)
class Side:
    """A firewall: its rulesets, all on one host, what it calls things, and the families of which it says anything.
    ``given`` are named sets whose elements somebody vouches for, though they are filled at run time.
    """

    loaded: tuple[Loaded, ...]
    names: Names = field(default_factory=Names)
    families: frozenset[Family] = frozenset(FAMILIES)
    given: frozenset[str] = frozenset()

    @property
    def rulesets(self) -> tuple[Ruleset, ...]:
        return tuple(one.ruleset for one in self.loaded)

    @property
    def flavours(self) -> tuple[Flavour, ...]:
        """Whose words each ruleset is loaded with."""
        return tuple(one.flavour for one in self.loaded)


@dataclass(frozen=True, slots=True)
class Options:
    """``effects``: logs, counters, marks and sets count too. ``most`` regions are shown, all of them where it is 0.
    ``budget`` is in nodes, for each family.
    """

    effects: bool = False
    most: int = 20
    budget: int = BUDGET
