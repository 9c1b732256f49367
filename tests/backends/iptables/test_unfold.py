"""Maps and sets of elements: what is written decides every packet as the ruleset does, and does the same on the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from restore_tools import load
from restore_walk import parse
from restore_walk import run as run_text
from strategies import CHAINS, addresses, logs, patterns, ports, stateless_matches, states
from walk import SEEDS, Memory, run, traffic

from polc.backends.iptables.backend import IptablesBackend
from polc.backends.model import Fidelity, IpsetUse, Options, Output
from polc.ir.family import FAMILIES, Family
from polc.ir.intervals import Intervals
from polc.ir.matches import Direction, ElementMatch, FieldMatch, InterfacePattern, Match, Side
from polc.ir.origin import Origin
from polc.ir.protocols import TCP, UDP
from polc.ir.ruleset import BaseChain, ChainType, Hook, RegularChain, Rule, Ruleset
from polc.ir.selectors import Conntrack, Element, KeyValue, Selector, Transport
from polc.ir.stateful import Limit, Rate, Unit
from polc.ir.statements import MapMark, MarkField, Statement
from polc.ir.verdicts import (
    Accept,
    Drop,
    Goto,
    Jump,
    Return,
    Verdict,
    VerdictMap,
)
from polc.passes import pipeline

OPTIONS = Options("restore", ipset=IpsetUse.NEVER)
SELECTORS: tuple[Selector, ...] = (*Side, *Direction, *Transport, Conntrack.STATE)
protocols = st.sets(st.sampled_from((TCP, UDP, 1, 47, 58)), min_size=1, max_size=2).map(
    lambda some: Intervals.of((one, one) for one in some)
)


@st.composite
def keys(draw: st.DrawFn) -> tuple[Selector, ...]:
    return tuple(draw(st.lists(st.sampled_from(SELECTORS), min_size=1, max_size=3, unique=True)))


def value(selector: Selector, family: Family) -> st.SearchStrategy[KeyValue]:
    match selector:
        case Side():
            return addresses(family)
        case Direction():
            return patterns
        case Transport.PROTOCOL:
            return protocols
        case Transport():
            return ports
        case _:
            return states.map(lambda some: Intervals.of((one.value, one.value) for one in some))


def meet(one: KeyValue, other: KeyValue) -> bool:
    if isinstance(one, InterfacePattern) and isinstance(other, InterfacePattern):
        return one.covers(other) or other.covers(one)
    assert isinstance(one, Intervals)
    assert isinstance(other, Intervals)
    return any(low <= top and bottom <= high for low, high in one.ranges for bottom, top in other.ranges)


@st.composite
def elements(draw: st.DrawFn, key: tuple[Selector, ...], family: Family) -> tuple[Element, ...]:
    drawn = draw(st.lists(st.tuples(*(value(one, family) for one in key)), min_size=1, max_size=4))
    found: list[Element] = []
    for one in drawn:
        if not any(all(map(meet, one, other)) for other in found):
            found.append(one)
    return tuple(found)


@st.composite
def mapped_rules(draw: st.DrawFn, hook: Hook, family: Family, below: tuple[str, ...]) -> Rule:
    matches: list[Match] = [one for one in draw(stateless_matches(hook, sets=False)) if not isinstance(one, FieldMatch)]
    for _ in range(draw(st.integers(0, 2))):
        key = draw(keys())
        matches.append(ElementMatch(key, draw(elements(key, family)), draw(st.booleans())))
    statements: list[Statement] = draw(st.lists(logs, max_size=2))
    if draw(st.booleans()):
        key = draw(keys())
        values = draw(st.lists(st.integers(0, 2), min_size=4, max_size=4))
        mapped = MapMark(MarkField.META, key, tuple(zip(draw(elements(key, family)), values, strict=False)))
        statements.insert(draw(st.integers(0, len(statements))), mapped)
    ways: list[Verdict] = [Accept(), Drop(), Return(), *(kind(name) for name in below for kind in (Jump, Goto))]
    verdict: Verdict | None = draw(st.sampled_from((None, *ways)))
    if draw(st.booleans()):
        key = draw(keys())
        drawn = draw(elements(key, family))
        verdict = VerdictMap(key, tuple((one, draw(st.sampled_from(ways))) for one in drawn))  # type: ignore[misc]
    if draw(st.integers(0, 2)) == 0:
        matches.append(Limit(Rate(10, Unit.SECOND), 5, False, (), ""))
    return Rule(tuple(matches), verdict, tuple(statements), frozenset({family}))


@st.composite
def mapped(draw: st.DrawFn) -> Ruleset:
    hook = draw(st.sampled_from((Hook.INPUT, Hook.FORWARD, Hook.OUTPUT)))

    def some(below: tuple[str, ...], name: str) -> tuple[Rule, ...]:
        one = st.sampled_from(FAMILIES).flatmap(lambda family: mapped_rules(hook, family, below))
        return tuple(
            named(rule, f"{name}-{number}") for number, rule in enumerate(draw(st.lists(one, min_size=1, max_size=3)))
        )

    policy = Accept() if draw(st.booleans()) else Drop()
    base = BaseChain("base", ChainType.FILTER, hook, 0, policy, some(CHAINS, "base"))
    others = RegularChain(CHAINS[0], some(CHAINS[1:], "one")), RegularChain(CHAINS[1], some((), "two"))
    return pipeline.run(Ruleset((base, *others)))


def named(rule: Rule, table: str) -> Rule:
    matches = tuple(replace(one, table=table) if isinstance(one, Limit) else one for one in rule.matches)
    return replace(rule, matches=matches, origin=Origin(name=table))


@given(mapped(), SEEDS, st.lists(st.booleans(), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_packet_fares_alike(drawn: Ruleset, seed: int, answers: list[bool]) -> None:
    output = IptablesBackend().emit(drawn, OPTIONS)
    refused = {one.origin for one in output.deviations if one.fidelity is Fidelity.REFUSED}
    kept = [replace(one, rules=tuple(rule for rule in one.rules if rule.origin not in refused)) for one in drawn.chains]
    event(f"{len(refused)} refused")
    base = kept[0]
    assert isinstance(base, BaseChain)
    chains = {one.name: one for one in kept if isinstance(one, RegularChain)}
    tables = {family: parse(output.files[at].text) for at, family in enumerate(FAMILIES)}
    for packet in traffic(base.hook, seed):
        before, after = Memory(tuple(answers)), Memory(tuple(answers))
        wanted = run(base, chains, packet, before)
        assert run_text(tables[packet.family]["filter"], base.hook.name, packet, after) == wanted
        plain = [(kind, "*" if kind == "limit" else name) for kind, name in before.events]
        assert [(kind, "*" if kind == "limit" else name) for kind, name in after.events] == plain


@pytest.fixture(scope="module")
def some() -> list[Output]:
    found: list[Output] = []

    @given(mapped())
    @settings(max_examples=40, deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
    def collect(ruleset: Ruleset) -> None:
        found.append(IptablesBackend().emit(ruleset, OPTIONS))

    collect()
    return found


@pytest.mark.kernel("iptables-legacy", "iptables-nft", "conntrack")
def test_all_loaders_print_it_back(some: list[Output], tmp_path: Path) -> None:
    for output, loaded in zip(some, load(some, tmp_path), strict=True):
        wrong = [sentence for one in loaded for sentence in one.wrong]
        assert not wrong, (wrong, [file.text for file in output.files])
