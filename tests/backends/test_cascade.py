"""The cascaded form of a rule does with every packet what the rule does, and asks its state as often."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from strategies import limits, stateless_matches
from walk import SEEDS, Memory, Packet, run, traffic

from polc.backends.cascade import Alternatives, NeedsChain, cascade
from polc.backends.iptables.extensions.context import Context
from polc.backends.iptables.extensions.registry import split
from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import BOTH, FAMILIES, Family
from polc.ir.matches import AddressMatch, Direction, InterfaceMatch, InterfacePattern, Match, Side
from polc.ir.ruleset import BaseChain, ChainType, Hook, RegularChain, Rule, Ruleset
from polc.ir.statements import Log
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Reject, Return
from polc.passes import pipeline

VERDICTS = (Accept(), Reject(), Jump("target"), Goto("target"), Return(), None)
TARGET = RegularChain("target", (Rule((), None, (Log("target"),)),))
ALWAYS = Rule((), None, (Log("after"),))


@st.composite
def single_rules(draw: st.DrawFn) -> tuple[Family, Rule]:
    """A rule of one family as the passes leave it; sometimes with two matches of a kind."""
    matches = draw(stateless_matches(Hook.FORWARD, sets=False))
    if draw(st.booleans()):
        matches += draw(stateless_matches(Hook.FORWARD, sets=False))
    if draw(st.booleans()):
        matches += (replace(draw(limits), table="state"),)
    rule = Rule(matches, draw(st.sampled_from(VERDICTS)), (Log("done"),), BOTH)
    left = pipeline.run(Ruleset((RegularChain("one", (rule,)), TARGET))).chains[0].rules
    family = draw(st.sampled_from(FAMILIES))
    own = [one for one in left if family in one.families]
    assume(own)
    return family, own[0]


def walked(rules: tuple[Rule, ...], chains: tuple[RegularChain, ...], packet: Packet, answer: bool) -> object:
    memory = Memory((answer,))
    base = BaseChain("base", ChainType.FILTER, Hook.FORWARD, 0, Drop(), (*rules, ALWAYS))
    # Called from a chain, so that return and goto have somewhere to go back to.
    caller = BaseChain("base", ChainType.FILTER, Hook.FORWARD, 0, Drop(), (Rule((), Jump("caller")), ALWAYS))
    named = {one.name: one for one in (*chains, TARGET, RegularChain("caller", base.rules))}
    return run(caller, named, packet, memory), memory.events


@given(single_rules(), SEEDS, st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_same_verdict_and_same_count(drawn: tuple[Family, Rule], seed: int, answer: bool) -> None:
    family, rule = drawn
    numbers = count()
    try:
        found = cascade(rule, lambda match: split(match, Context(family)), lambda: f"fresh-{next(numbers)}")
    except NeedsChain:
        assert isinstance(rule.verdict, Return | Goto)
        event("needs a chain")
        return
    event(f"{min(len(found.chains), 3)} chains")
    for packet in traffic(Hook.FORWARD, seed):
        if packet.family is family:
            assert walked(found.rules, found.chains, packet, answer) == walked((rule,), (), packet, answer)


@given(single_rules())
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_it_gives_has_one_option_and_one_slot_each(drawn: tuple[Family, Rule]) -> None:
    family, rule = drawn
    numbers = count()
    try:
        found = cascade(rule, lambda match: split(match, Context(family)), lambda: f"fresh-{next(numbers)}")
    except NeedsChain:
        return
    for one in (*found.rules, *(inner for chain in found.chains for inner in chain.rules)):
        parts = [split(match, Context(family)) for match in one.matches]
        assert all(part.single for part in parts)
        slots = [part.slot for part in parts if part.slot]
        assert len(slots) == len(set(slots))


def _one(match: Match) -> Alternatives:
    return split(match, Context(Family.IP))


def addresses(*texts: str) -> AddressSet:
    return AddressSet.of(parse_address(text) for text in texts)


TWO = AddressMatch(Side.SADDR, addresses("192.0.2.1", "192.0.2.9"))
INTERFACES = InterfaceMatch(Direction.IN, (InterfacePattern("eth0"), InterfacePattern("wg", wildcard=True)))


def test_one_list_becomes_a_rule_for_each() -> None:
    found = cascade(Rule((TWO,), Accept()), _one, lambda: "unused")
    assert [one.matches[0].addresses for one in found.rules] == [addresses("192.0.2.1"), addresses("192.0.2.9")]
    assert found.chains == ()


def test_two_lists_take_a_chain_not_a_product() -> None:
    found = cascade(Rule((TWO, INTERFACES), Accept()), _one, lambda: "next")
    assert [one.verdict for one in found.rules] == [Jump("next")] * 2
    assert [(one.name, len(one.rules)) for one in found.chains] == [("next", 2)]


def test_a_negated_list_returns_on_each() -> None:
    found = cascade(Rule((replace(TWO, negated=True),), Accept()), _one, lambda: "not")
    assert [one.verdict for one in found.rules] == [Jump("not")]
    assert [one.verdict for one in found.chains[0].rules] == [Return(), Return(), Accept()]


def test_a_negated_single_stays_in_its_rule() -> None:
    single = AddressMatch(Side.SADDR, addresses("192.0.2.0/24"), negated=True)
    found = cascade(Rule((single,), Accept()), _one, lambda: "unused")
    assert [one.matches for one in found.rules] == [(single,)]


@pytest.mark.parametrize("verdict", [Return(), Goto("target")])
def test_what_leaves_the_chain_cannot_move_below_it(verdict: Return | Goto) -> None:
    with pytest.raises(NeedsChain):
        cascade(Rule((replace(TWO, negated=True),), verdict), _one, lambda: "not")
