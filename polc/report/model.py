"""The report of ``polc compile --report``."""

from __future__ import annotations

from dataclasses import dataclass

from polc.backends.model import Fidelity
from polc.backends.profile import Profile


@dataclass(frozen=True, slots=True)
class Cost:
    """What a packet meets on its way through a base chain.

    ``rules`` are those that the kernel looks at, in the chain and in those that it jumps or goes to; ``lookups`` are
    looks into sets, maps, ipsets and tables of limits that these rules make if all their matches before hold.
    """

    rules: int = 0
    lookups: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.rules + other.rules, self.lookups + other.lookups)


@dataclass(frozen=True, slots=True)
class Difference:
    """How a rule departs from what is written, or why it is refused; ``name`` as in ``Deviation``."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class RuleReport:
    """A rule of the policy, and the ``emitted`` rules or lines of the target that mean it.

    ``constructs`` are what they are made with, such as ``set admins``. ``file`` is empty and ``line`` and ``column``
    are 0 where a rule stands in no file.
    """

    file: str
    line: int
    column: int
    name: str
    chain: str
    fidelity: Fidelity
    differences: tuple[Difference, ...]
    emitted: int
    constructs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ElsewhereReport:
    """What a target does not hold that is no rule: a chain, a set, the name of the table."""

    file: str
    line: int
    column: int
    fidelity: Fidelity
    difference: Difference


@dataclass(frozen=True, slots=True)
class ChainReport:
    """A base chain as it was written to ``file``; ``hook`` is what calls it, ``rules`` are those of its own.

    ``worst`` is the cost of the longest way that a packet can take, each rule looked at by itself: that no packet
    meets two of them at once is not seen. ``established`` is the longest way of a packet of a flow that conntrack
    knows as established: rules that ask for a state apply to it or not, all others may. Chains that rewrite addresses
    see only the first packet of a flow, so there it is nothing.
    """

    file: str
    table: str
    name: str
    hook: str
    rules: int
    worst: Cost
    established: Cost


@dataclass(frozen=True, slots=True)
class SetReport:
    """A set, map, meter or ipset: ``elements`` that it has at first, and room for ``size`` (None: as it needs)."""

    file: str
    name: str
    kind: str
    size: int | None
    elements: int


@dataclass(frozen=True, slots=True)
class Totals:
    """``anonymous_sets`` are those that stand in rules, with ``anonymous_elements`` together."""

    rules: int
    exact: int
    approximate: int
    refused: int
    emitted: int
    chains: int
    sets: int
    elements: int
    anonymous_sets: int
    anonymous_elements: int


@dataclass(frozen=True, slots=True)
class Report:
    target: str
    format: str
    profile: Profile
    totals: Totals
    rules: tuple[RuleReport, ...]
    elsewhere: tuple[ElsewhereReport, ...]
    chains: tuple[ChainReport, ...]
    sets: tuple[SetReport, ...]
