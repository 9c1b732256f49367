"""The rules that packets of a base chain meet, in their order, those of the chains that it leads to in their places."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import NamedTuple

from polc.analysis.spread import spread
from polc.ir.family import BOTH
from polc.ir.ruleset import BaseChain, Chain, RegularChain, Rule, Ruleset
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Reject, Return, leaves

MOST_CALLS = 10_000
"""Chains that are gone into, each as often as something leads there: chains that call each other can double it."""

DEEPEST_CALL = 64
"""nft goes no deeper than 16 jumps (net/netfilter/nf_tables.h, NFT_JUMP_STACK_SIZE)."""


class Step(NamedTuple):
    """A rule, and the jumps and gotos by which packets come to it from the base chain; of a verdict map, an element.

    ``gates`` are those of the way that not every packet takes. It is the ``number``th from 0 in ``chain``.
    """

    rule: Rule
    way: tuple[Rule, ...]
    gates: tuple[Rule, ...]
    chain: str
    number: int

    @property
    def whole(self) -> Rule:
        """The rule as it would have to stand in the base chain: with the matches of its way."""
        if not self.way:
            return self.rule
        matches = tuple(match for one in (*self.way, self.rule) for match in one.matches)
        families = frozenset.intersection(*(one.families for one in (*self.way, self.rule)))
        return replace(self.rule, matches=matches, families=families)

    def follows(self, other: Step) -> bool:
        """Whether every packet that comes to this later step came to ``other`` before."""
        return len(other.gates) <= len(self.gates) and all(
            one is there for one, there in zip(other.gates, self.gates, strict=False)
        )


def walk(ruleset: Ruleset, chain: BaseChain) -> Iterator[Step]:
    """The steps up to the first that no packet passes."""
    chains = {one.name: one for one in ruleset.chains if isinstance(one, RegularChain)}
    yield from _Walker(chains).rules(chain, (), ())


def ends_in(ruleset: Ruleset, name: str) -> bool:
    """Whether no packet comes back from a regular chain, or from those that it leads to."""
    walker = _Walker({one.name: one for one in ruleset.chains if isinstance(one, RegularChain)})
    steps = walker.call(name, (), ())
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return not end.value


class _Walker:
    def __init__(self, chains: dict[str, RegularChain]) -> None:
        self.chains = chains
        self.calls = 0

    def rules(self, chain: Chain, way: tuple[Rule, ...], gates: tuple[Rule, ...]) -> Generator[Step, None, bool]:
        """Ends with whether packets may go on after the chain."""
        goes_on = False
        for number, rule in ((at, one) for at, written in enumerate(chain.rules) for one in spread(written)):
            yield Step(rule, way, gates, chain.name, number)
            every = not rule.matches and rule.families == BOTH
            match rule.verdict:
                case Jump(name) | Goto(name):
                    open_to_all = every and self.straight(name)
                    comes_back = yield from self.call(name, (*way, rule), gates if open_to_all else (*gates, rule))
                    away = isinstance(rule.verdict, Goto)
                    goes_on |= away and comes_back
                    if every and (away or not comes_back):
                        return goes_on
                case Return():
                    goes_on = True
                    if every:
                        return True
                case Accept() | Drop() | Reject():
                    if every:
                        return goes_on
                case _:
                    pass
        return True

    def straight(self, name: str) -> bool:
        """Whether no packet leaves the chain before its end but decided."""
        return not any(leaves(rule.verdict) for rule in self.chains[name].rules)

    def call(self, name: str, way: tuple[Rule, ...], gates: tuple[Rule, ...]) -> Generator[Step, None, bool]:
        self.calls += 1
        if self.calls > MOST_CALLS or len(way) > DEEPEST_CALL:
            return True
        return (yield from self.rules(self.chains[name], way, gates))
