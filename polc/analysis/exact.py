"""What packets come to the rules of a ruleset, asked of the symbolic engine: the ground of lints that are never wrong.

A rule here is one that somebody has written: what it was lowered to are its ``parts``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from polc.ir.family import Family
from polc.ir.flavour import Flavour
from polc.ir.ruleset import BaseChain, Chain, Rule, Ruleset
from polc.source import Span
from polc.symbolic.arrivals import Arrivals
from polc.symbolic.diagram import NONE
from polc.symbolic.hooks import Hooks, Loaded
from polc.symbolic.outcome import Watch
from polc.symbolic.space import Set, Space

BUDGET = 5_000_000
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

    def __init__(self, ruleset: Ruleset, flavour: Flavour = Flavour.NFT, budget: int = BUDGET) -> None:
        self.ruleset = ruleset
        self.flavour = flavour
        self.budget = budget

    @cached_property
    def written(self) -> tuple[Written, ...]:
        """The rules that have a place, in the order of their chains; defaults that are written out are none."""
        found: dict[tuple[str, int], list[Part]] = {}
        for chain in self.ruleset.chains:
            for number, rule in enumerate(chain.rules):
                span = rule.origin.span
                if span is not None and rule.origin.name != "default":
                    found.setdefault((span.source.path, span.start), []).append(Part(chain.name, number, rule))
        return tuple(Written(_span(parts[0]), tuple(parts)) for parts in found.values())

    @cached_property
    def views(self) -> tuple[View, ...]:
        return tuple(self._views())

    def _views(self) -> Iterator[View]:
        families = {family for chain in self.ruleset.chains for rule in chain.rules for family in rule.families}
        for family in sorted(families, key=lambda one: one.value):
            space = Space(family, [self.ruleset], budget=self.budget)
            hooks = Hooks(space, [Loaded(self.ruleset, self.flavour)], Watch.EVERYTHING)
            bases = [chain for chain in self.ruleset.chains if isinstance(chain, BaseChain)]
            for early in (True, False):
                own = [chain for chain in bases if hooks.is_early(chain) is early]
                if not own:
                    continue
                chains = hooks.chains(self.ruleset, early=early)
                # What packets can be is asked once the rules have said what is asked of them.
                for chain in self.ruleset.chains:
                    for rule in chain.rules:
                        chains.condition(rule)
                arrivals = Arrivals(chains, [(chain, hooks.valid(chain.hook)) for chain in own])
                yield View(space, hooks, early, arrivals)

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

    def before(self, part: Part) -> tuple[tuple[Part, ...], bool]:
        """The rules that take from a rule that is never met all that it asks for, and whether there is anything that
        could meet it at all.
        """
        takers: dict[Part, None] = {}
        could = False
        for view in self.views:
            wanted = view.arrivals.chains.condition(part.rule)
            for chain, number, packets in self._roads(view, part, wanted):
                could = could or packets != NONE
                enders, _ = view.arrivals.enders(chain, number, packets)
                takers |= dict.fromkeys(Part(chain, one, self.chains[chain].rules[one]) for one in enders)
        return tuple(takers), could

    def _roads(self, view: View, part: Part, wanted: Set) -> Iterator[tuple[str, int, Set]]:
        """The packets that a rule asks for, as they come to its chain; where none does, to those that call it."""
        manager, arrivals = view.space.manager, view.arrivals
        here = manager.where(wanted, arrivals.coming(part.chain))
        if here != NONE:
            yield part.chain, part.number, here
            return
        for call in arrivals.calls(part.chain):
            asked = arrivals.chains.condition(self.chains[call.chain].rules[call.number])
            there = manager.where(manager.where(wanted, asked), arrivals.coming(call.chain))
            if there != NONE:
                yield call.chain, call.number, there


def _span(part: Part) -> Span:
    assert part.rule.origin.span is not None
    return part.rule.origin.span
