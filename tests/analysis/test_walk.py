"""The walk through chains against packets that go through them."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from polc.analysis import walk as module
from polc.analysis.walk import Step, walk
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch
from polc.ir.ruleset import BaseChain, ChainType, Hook, RegularChain, Rule, Ruleset
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Return, Verdict

CHAINS = 4


@st.composite
def rulesets(draw: st.DrawFn) -> Ruleset:
    """Chains of which each leads to later ones; the first is the base chain."""
    number = 0

    def rules(own: int) -> tuple[Rule, ...]:
        nonlocal number
        found = []
        for _ in range(draw(st.integers(0, 4))):
            number += 1
            later = [f"c{one}" for one in range(own + 1, CHAINS)]
            verdicts: list[Verdict | None] = [Accept(), Drop(), Return(), None]
            verdicts += [kind(name) for name in later for kind in (Jump, Goto)]
            matches = (FieldMatch(Field.META_MARK, Intervals.single(number)),) if draw(st.booleans()) else ()
            found.append(Rule(matches, draw(st.sampled_from(verdicts))))
        return tuple(found)

    base = BaseChain("input", ChainType.FILTER, Hook.INPUT, 0, Drop(), rules(0))
    return Ruleset((base, *(RegularChain(f"c{one}", rules(one)) for one in range(1, CHAINS))))


@dataclass
class Packet:
    """What the kernel does with a packet for which some of the conditions hold."""

    ruleset: Ruleset
    holds: frozenset[int]
    visited: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)

    def is_decided(self, rules: tuple[Rule, ...], way: tuple[int, ...] = ()) -> bool:
        for rule in rules:
            self.visited.append((id(rule), way))
            if not all(isinstance(one, FieldMatch) and one.values.ranges[0][0] in self.holds for one in rule.matches):
                continue
            match rule.verdict:
                case Accept() | Drop():
                    return True
                case Return():
                    return False
                case Jump(name):
                    if self.is_decided(self.chain(name), (*way, id(rule))):
                        return True
                case Goto(name):
                    return self.is_decided(self.chain(name), (*way, id(rule)))
        return False

    def chain(self, name: str) -> tuple[Rule, ...]:
        return next(one.rules for one in self.ruleset.chains if one.name == name)


def key(step: Step) -> tuple[int, tuple[int, ...]]:
    return id(step.rule), tuple(map(id, step.way))


@settings(max_examples=300, deadline=None)
@given(rulesets(), st.frozensets(st.integers(1, 16)))
def test_packets_meet_rules_as_the_walk_says(ruleset: Ruleset, holds: frozenset[int]) -> None:
    base = ruleset.chains[0]
    assert isinstance(base, BaseChain)
    steps = list(walk(ruleset, base))
    packet = Packet(ruleset, holds)
    packet.is_decided(base.rules)
    order = [key(step) for step in steps]
    assert [one for one in order if one in packet.visited] == packet.visited
    for at, step in enumerate(steps):
        if key(step) in packet.visited:
            assert all(key(one) in packet.visited for one in steps[:at] if step.follows(one))
            assert len(step.whole.matches) == sum(len(one.matches) for one in (*step.way, step.rule))


def test_chains_that_double_the_walk_do_not_last_for_ever() -> None:
    rules = [(Rule((), Jump(f"c{one + 1}")),) * 2 for one in range(60)]
    chains = [RegularChain(f"c{one}", own) for one, own in enumerate(rules)]
    base = BaseChain("input", ChainType.FILTER, Hook.INPUT, 0, Drop(), rules[0])
    ruleset = Ruleset((base, *chains, RegularChain("c60", ())))
    assert len(list(walk(ruleset, base))) <= 3 * module.MOST_CALLS


def test_the_deepest_call_is_not_gone_into() -> None:
    chains = [RegularChain(f"c{one}", (Rule((), Jump(f"c{one + 1}")),)) for one in range(3000)]
    base = BaseChain("input", ChainType.FILTER, Hook.INPUT, 0, Drop(), (Rule((), Jump("c0")),))
    ruleset = Ruleset((base, *chains, RegularChain("c3000", (Rule((), Accept()),))))
    assert len(list(walk(ruleset, base))) == module.DEEPEST_CALL + 1
