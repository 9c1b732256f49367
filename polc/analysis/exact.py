"""What packets come to the rules of a ruleset, asked of the symbolic engine: the ground of lints that are never wrong.

A rule here is one that somebody has written: what it was lowered to are its ``parts``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from polc.ir.family import Family
from polc.ir.flavour import Flavour
from polc.ir.ruleset import BaseChain, Chain, Rule, Ruleset
from polc.ir.verdicts import chains_of
from polc.policy.read import Inspection
from polc.source import Span
from polc.symbolic.arrivals import Arrivals
from polc.symbolic.diagram import NONE
from polc.symbolic.hooks import Hooks, Loaded
from polc.symbolic.outcome import Step, Unknown, Watch
from polc.symbolic.space import Of, Set, Space

_AS_IT_CAME = frozenset({Of.IIF, Of.OIF, Of.CT, Of.PROTOCOL, Of.FRAGMENT, Of.TYPE, Of.CODE, Of.STATUS})

BUDGET = 3_000_000
"""Nodes for each family: about a gigabyte for both."""


@dataclass(frozen=True, slots=True)
class Part:
    """A rule of the ruleset, by its chain and its number there."""

    chain: str
    number: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class Written:
    """A rule as somebody wrote it, at ``span``, and the rules that it became."""

    span: Span
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class View:
    """The arrivals of the packets of one family that conntrack has not seen (``early``), or that it has."""

    space: Space
    hooks: Hooks
    early: bool
    arrivals: Arrivals

    @property
    def family(self) -> Family:
        return self.space.family


class Exact:
    """Answers about one ruleset, each worked out when it is first asked for.

    Raises:
        OverBudget: from whatever asks for arrivals.
    """

    def __init__(
        self,
        ruleset: Ruleset,
        flavour: Flavour = Flavour.NFT,
        budget: int = BUDGET,
        *,
        beside: Sequence[Ruleset] = (),
        policy: Inspection | None = None,
    ) -> None:
        """``beside`` are other rulesets on the same host; ``policy`` is where the ruleset comes from, if from one."""
        self.ruleset = ruleset
        self.flavour = flavour
        self.budget = budget
        self.beside = beside
        self.policy = policy

    @classmethod
    def each(cls, rulesets: Sequence[Ruleset], flavour: Flavour) -> tuple[Exact, ...]:
        """One for each ruleset of a host."""
        return tuple(cls(one, flavour, beside=[other for other in rulesets if other is not one]) for one in rulesets)

    @cached_property
    def written(self) -> tuple[Written, ...]:
        """The rules that have a place, in the order of their chains; defaults that are written out are none."""
        found: dict[tuple[str, int], list[Part]] = {}
        for chain in self.ruleset.chains:
            for number, rule in enumerate(chain.rules):
                place = place_of(rule)
                if place is not None and rule.origin.name != "default":
                    found.setdefault(place, []).append(Part(chain.name, number, rule))
        return tuple(Written(_span(parts[0]), tuple(parts)) for parts in found.values())

    @cached_property
    def views(self) -> tuple[View, ...]:
        return tuple(self._views())

    def _views(self) -> Iterator[View]:
        families = {family for chain in self.ruleset.chains for rule in chain.rules for family in rule.families}
        everything = (self.ruleset, *self.beside)
        for family in sorted(families, key=lambda one: one.value):
            space = Space(family, everything, budget=self.budget)
            hooks = Hooks(space, [Loaded(one, self.flavour) for one in everything], Watch.EVERYTHING)
            if not any(one.ruleset is self.ruleset for one in hooks.loaded):
                # Its packets are none of the space's: those of a bridge.
                continue
            bases = [chain for chain in self.ruleset.chains if isinstance(chain, BaseChain)]
            changed = _changed(hooks)
            for early in (True, False):
                own = [chain for chain in bases if hooks.is_early(chain) is early]
                if own:
                    chains = hooks.chains(self.ruleset, early=early)
                    coming = [(chain, _coming(hooks, chain, changed)) for chain in own]
                    yield View(space, hooks, early, Arrivals(chains, coming))

    @cached_property
    def chains(self) -> dict[str, Chain]:
        return {chain.name: chain for chain in self.ruleset.chains}

    def comes_to(self, chain: str) -> bool:
        """Whether any packet comes to a chain."""
        return any(view.arrivals.coming(chain) != NONE for view in self.views)

    def is_met(self, part: Part) -> bool:
        """Whether a packet comes to the rule and meets it."""
        return any(view.arrivals.meeting(part.chain, part.number) != NONE for view in self.views)

    @cached_property
    def unmet(self) -> tuple[Written, ...]:
        """Rules that no packet meets, of chains that packets come to."""
        found = []
        for one in self.written:
            parts = tuple(part for part in one.parts if self.comes_to(part.chain))
            if parts and not any(self.is_met(part) for part in parts):
                found.append(Written(one.span, parts))
        return tuple(found)

    @cached_property
    def callers(self) -> dict[str, list[tuple[str, int]]]:
        """For each chain the rules that lead to it, by their chains and numbers."""
        found: dict[str, list[tuple[str, int]]] = {}
        for chain in self.ruleset.chains:
            for number, rule in enumerate(chain.rules):
                for name in dict.fromkeys(chains_of(rule.verdict)):
                    found.setdefault(name, []).append((chain.name, number))
        return found

    def can_be(self, part: Part) -> bool:
        """Whether there are packets that meet the rule, be it that they come elsewhere."""
        hooks = {chain.hook for chain in self.ruleset.chains if isinstance(chain, BaseChain)}
        for view in self.views:
            asked = view.arrivals.chains.condition(part.rule)
            if any(view.space.manager.where(asked, view.hooks.valid(hook)) != NONE for hook in hooks):
                return True
        return False


def _changed(hooks: Hooks) -> frozenset[int]:
    """The variables that rules of any chain change. All rules have said then what is asked of packets."""
    found: set[int] = set()
    opaque = False
    for one in hooks.loaded:
        for early in (True, False):
            chains = hooks.chains(one.ruleset, early=early)
            for chain in one.ruleset.chains:
                for rule in chain.rules:
                    chains.condition(rule)
                    if rule.statements:
                        for value in hooks.space.manager.values(chains.effects(rule)):
                            if isinstance(value, Step):
                                found |= {number for number, _ in value.changes}
                                opaque = opaque or isinstance(value.end, Unknown)
    if opaque:
        # Of what words do to a packet that are not looked into, nothing is known.
        found |= {one.number for one in hooks.space.variables if one.of not in _AS_IT_CAME}
    return frozenset(found)


def _coming(hooks: Hooks, chain: BaseChain, changed: frozenset[int]) -> Set:
    """The packets that can come to a base chain; what chains before it may have changed is anything."""
    coming = hooks.valid(chain.hook)
    for variable in changed:
        coming = hooks.space.manager.exists(coming, variable)
    return coming


def place_of(rule: Rule) -> tuple[str, int] | None:
    """Where a rule was written, which all that came of it have in common."""
    span = rule.origin.span
    return None if span is None else (span.source.path, span.start)


def _span(part: Part) -> Span:
    assert part.rule.origin.span is not None
    return part.rule.origin.span
