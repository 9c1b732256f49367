"""What is written decides every packet as the ruleset does, logs the same, and asks its state in the same order."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from restore_walk import parse
from restore_walk import run as run_text
from strategies import BASES, SETS, rulesets
from walk import SEEDS, Memory, Packet, holds, run, traffic

from polc.backends.iptables.backend import IptablesBackend
from polc.backends.model import Fidelity, Options
from polc.ir.family import Family
from polc.ir.matches import CtState
from polc.ir.origin import Origin
from polc.ir.ruleset import BaseChain, Chain, Hook, RegularChain, Rule, Ruleset
from polc.ir.statements import AssignHelper

FILES = {Family.IP: 1, Family.IP6: 2}


def memory(answers: tuple[bool, ...]) -> Memory:
    """With every other address of those that packets have in the set of its family."""
    return Memory(answers, {one.name: {BASES[of] + n for of in one.families for n in range(0, 44, 2)} for one in SETS})


def labelled(ruleset: Ruleset) -> Ruleset:
    """Each rule with an origin of its own, so that a deviation says which one it speaks of."""

    def chain(one: Chain) -> Chain:
        rules = tuple(replace(rule, origin=Origin(name=f"{one.name}/{n}")) for n, rule in enumerate(one.rules))
        return replace(one, rules=rules)

    return replace(ruleset, chains=tuple(chain(one) for one in ruleset.chains))


def without(ruleset: Ruleset, origins: set[Origin]) -> Ruleset:
    chains = [
        replace(one, rules=tuple(rule for rule in one.rules if rule.origin not in origins)) for one in ruleset.chains
    ]
    return replace(ruleset, chains=tuple(chains))


def expected(events: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """xt_recent records before it asks; counters of a rule's own are those that every rule of iptables has."""
    found = []
    for kind, name in events:
        if kind != "count":
            found += [("recorded", name), ("hits", name)] if kind == "hits" else [(kind, name)]
    return found


@given(
    rulesets(nat=False),
    SEEDS,
    st.lists(st.booleans(), min_size=1, max_size=4),
)
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_packet_fares_alike(drawn: Ruleset, seed: int, answers: list[bool]) -> None:
    ruleset = labelled(drawn)
    base = ruleset.chains[0]
    assert isinstance(base, BaseChain)
    output = IptablesBackend().emit(ruleset, Options("restore"))
    refused = {one.origin for one in output.deviations if one.fidelity is Fidelity.REFUSED}
    ruleset = without(ruleset, refused)
    base = ruleset.chains[0]
    assert isinstance(base, BaseChain)
    chains = {one.name: one for one in ruleset.chains if isinstance(one, RegularChain)}
    tables = {family: parse(output.files[at].text) for family, at in FILES.items()}
    for packet in traffic(base.hook, seed):
        before, after = memory(tuple(answers)), memory(tuple(answers))
        wanted = run(base, chains, packet, before)
        assert run_text(tables[packet.family]["filter"], base.hook.name, packet, after) == wanted
        events = [
            (kind, "*" if (kind, "*") == other else name)
            for (kind, name), other in zip(expected(before.events), after.events, strict=True)
        ]
        assert events == after.events
        assert before.members == after.members
        event(wanted)
        event(f"{min(len(events), 4)} events")


@given(rulesets(nat=False), SEEDS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_helpers_that_are_exact_are_attached_where_the_rule_is_met(drawn: Ruleset, seed: int) -> None:
    ruleset = labelled(drawn)
    base = ruleset.chains[0]
    assert isinstance(base, BaseChain)
    output = IptablesBackend().emit(ruleset, Options("restore"))
    bad = {one.origin for one in output.deviations}
    if base.hook is Hook.FORWARD or any(one.name == "helper-wider" for one in output.deviations):
        return
    at = "OUTPUT" if base.hook is Hook.OUTPUT else "PREROUTING"
    for packet in map(_of_new_flow, traffic(base.hook, seed)):
        raw = parse(output.files[FILES[packet.family]].text).get("raw")
        met = [rule for rule in base.rules if rule.origin not in bad and _attaches(rule, packet)]
        seen = memory((True,))
        if raw is not None:
            run_text(raw, at, packet, seen)
        assert len(seen.events) == len(met)


def _of_new_flow(packet: Packet) -> Packet:
    return replace(packet, state=CtState.NEW)


def _attaches(rule: Rule, packet: Packet) -> bool:
    helpers = [one for one in rule.statements if isinstance(one, AssignHelper)]
    met = packet.family in rule.families and all(holds(one, packet, memory((True,))) for one in rule.matches)
    return met and any(one.protocol == packet.protocol for one in helpers)
