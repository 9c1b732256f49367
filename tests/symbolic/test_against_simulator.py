"""The engine and the simulator say the same of single packets: which way they go, and who decides."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polc.diagnostics import Collector
from polc.firewalls import Firewall, read_firewall
from polc.ir.fields import Field
from polc.ir.flavour import Flavour
from polc.ir.ruleset import Hook, Ruleset
from polc.proving.replay import NoReplay, Replay, agree, asked_of, follow, follower, replay
from polc.symbolic.by_chance import by_chance
from polc.symbolic.diagram import Node
from polc.symbolic.hooks import Hooks, Loaded
from polc.symbolic.outcome import Outcome, Watch
from polc.symbolic.space import NEW, Of, Space, spaces
from polc.symbolic.trace import deciding
from polc.symbolic.ways import Course, Ways
from polc.symbolic.witness import Witness, witness_of
from tests.conftest import PACKETS as COUNTED
from tests.importers.corpus import NEEDED, saved
from tests.strategies import rulesets
from tests.symbolic.points import hooks_with_chains

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.yaml"))
Note = Callable[[str, object], None]
PACKETS = int(os.environ.get("POLC_SYMBOLIC_PACKETS", "0"))
"""How many packets for each hook, family and file; 0: as many as there is time for."""


def compare(firewall: Firewall, packets: int, random: Random, hooks_at: frozenset[Hook] | None = None) -> Counter[str]:
    """Packets of every region, each sent through the simulator: how many agreed, and how many could not be sent."""
    found: Counter[str] = Counter()
    for space in spaces(firewall.rulesets):
        hooks = Hooks(space, [Loaded(one, firewall.flavour) for one in firewall.rulesets])
        for hook in hooks_with_chains(hooks):
            if hooks_at is not None and hook not in hooks_at:
                continue
            function = hooks.outcomes(hook)
            valid = space.manager.where(hooks.valid(hook), function)
            sender = Replay(hooks, (hook,))
            for _ in range(packets):
                point = by_chance(space, valid, random)
                if point is None:
                    break
                said, witness = space.manager.at(function, point), witness_of(space, point)
                try:
                    simulated = replay(hooks, hook, witness, sender)
                except NoReplay:
                    found["not sent"] += 1
                    continue
                place = f"{hook.value}: {witness}: {witness.answers}"
                assert agree(said, simulated), f"{place}: {said} but {simulated.fate} by {simulated.decision}"
                found["agreed"] += 1
                if (
                    said.known
                    and simulated.decision is not None
                    and not said.nat
                    and was_sent(space, function, witness)
                ):
                    found["decided"] += 1
                    who = deciding(hooks, hook, point)
                    assert who is not None, place
                    ours = (who.chain.name, who.number)
                    assert ours == (simulated.decision.chain, simulated.decision.number), place
    return found


def was_sent(space: Space, function: Node, witness: Witness) -> bool:
    """Whether all was sent that rules ask for: what does not matter to the verdict may matter to who decides."""
    asked = [space.variables[number] for number in space.manager.asked(function, dict(witness.point))]
    told, reads = asked_of(witness, asked), space.facts.reads
    return (
        {one for one in witness.fields if one[0] in reads} <= set(told.fields)
        and (told.status, told.original) == (witness.status, witness.original)
        and (Field.CT_MARK not in reads or told.ct_mark == witness.ct_mark)
    )


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_goldens(path: Path, record_property: Note) -> None:
    found = compare(read_firewall(str(path), Collector()), PACKETS or 8, Random(path.stem))
    assert found["agreed"] > 0, found
    record_property(COUNTED, found["agreed"])


@NEEDED
@pytest.mark.parametrize("path", saved(), ids=lambda path: path.stem)
def test_corpus(path: Path, record_property: Note) -> None:
    firewall = read_firewall(str(path), Collector())
    size = sum(len(chain.rules) for one in firewall.rulesets for chain in one.chains)
    if size > 1000 and not PACKETS:
        # The simulator takes its time to make these; a few packets through the hook with the rules.
        found = compare(firewall, 3, Random(path.stem), frozenset({Hook.FORWARD}))
    else:
        found = compare(firewall, PACKETS or 5, Random(path.stem))
    assert found["agreed"] > 0, found
    record_property(COUNTED, found["agreed"])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rulesets(fields=True), st.sampled_from(list(Flavour)), st.integers(0, 1 << 30))
def test_random_rulesets(ruleset: Ruleset, flavour: Flavour, seed: int) -> None:
    compare(Firewall((ruleset,), flavour), 4, Random(seed))


def compare_ways(firewall: Firewall, packets: int, random: Random) -> Counter[str]:
    """As ``compare``, of whole ways."""
    found: Counter[str] = Counter()
    for space in spaces(firewall.rulesets):
        ways = Ways(Hooks(space, [Loaded(one, firewall.flavour) for one in firewall.rulesets]))
        for course in Course:
            function = ways.outcomes(course)
            valid = space.manager.where(ways.valid(course), function)
            sender = follower(ways, course)
            for _ in range(packets):
                point = by_chance(space, valid, random)
                if point is None:
                    break
                said, witness = space.manager.at(function, point), witness_of(space, point)
                try:
                    simulated = follow(ways, course, witness, sender)
                except NoReplay:
                    found["not sent"] += 1
                    continue
                place = f"{course.value}: {witness}: {witness.answers}"
                assert agree(said, simulated), f"{place}: {said} but {simulated.fate} by {simulated.decision}"
                found["agreed"] += 1
    return found


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_ways_of_goldens(path: Path, record_property: Note) -> None:
    found = compare_ways(read_firewall(str(path), Collector()), PACKETS or 4, Random(path.stem))
    record_property(COUNTED, found["agreed"])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rulesets(fields=True), st.sampled_from(list(Flavour)), st.integers(0, 1 << 30))
def test_ways_of_random_rulesets(ruleset: Ruleset, flavour: Flavour, seed: int) -> None:
    compare_ways(Firewall((ruleset,), flavour), 4, Random(seed))


def judged(path: Path, policy: str) -> tuple[Space, Ways]:
    """The ways of IPv4, once packets have shown that they are those of the simulator."""
    path.write_text(policy)
    firewall = read_firewall(str(path), Collector())
    found = compare_ways(firewall, 300, Random(1))
    assert found["agreed"] > 1000, found
    space = spaces(firewall.rulesets)[0]
    return space, Ways(Hooks(space, [Loaded(one) for one in firewall.rulesets]))


def test_what_nat_makes_of_the_status(tmp_path: Path) -> None:
    """A rule behind NAT sees that it was there: a new flow whose destination is another one now, and only then."""
    space, ways = judged(
        tmp_path / "policy.yaml",
        """\
polc: 1
zones: {wan: eth0, lan: eth1}
nat:
  - {verdict: dnat, service: tcp/8080, from: {zone: wan}, target: "192.0.2.10:80"}
  - {verdict: dnat, service: tcp/8081, from: {zone: wan}, target: 192.0.2.10-192.0.2.20}
  - {verdict: snat, from: 192.0.2.0/24, to: {zone: wan}, target: 203.0.113.9}
forward:
  default: drop
  rules:
    - accept where ct status dnat
    - accept tcp/91 to lan where not ct status dnat, snat
""",
    )
    manager, outcomes = space.manager, ways.outcomes(Course.FORWARDED)

    def said(dport: int, daddr: int) -> set[bool]:
        asked = manager.all_of(
            [
                ways.valid(Course.FORWARDED),
                space.within(space.variable(Of.PROTOCOL), 6),
                space.within(space.variable(Of.CT), NEW),
                space.within(space.variable(Of.STATUS), 0),
                space.within(space.variable(Of.IIF), space.interfaces.place("eth0")),
                space.within(space.variable(Of.OIF), space.interfaces.place("eth1")),
                space.within(space.variable(Of.DADDR), daddr),
                space.within(space.variable(Of.DPORT), dport),
                space.within(space.variable(Of.SPORT), 40000),
                space.within(space.variable(Of.FRAGMENT), 0),
            ]
        )
        values = manager.values(manager.where(asked, outcomes))
        return {one.accepted for one in values if isinstance(one, Outcome)}

    host, inside = 0xCB007105, 0xC000020A
    assert said(8080, host) == said(8080, inside) == said(8081, host) == {True}
    # It goes where it went anyway: nothing is changed, and the status does not say so; of a pool nobody knows.
    assert said(80, host) == {False}
    assert said(8081, inside) == {True, False}


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(rulesets(fields=True), st.integers(0, 1 << 30))
def test_what_is_watched_changes_no_verdict(ruleset: Ruleset, seed: int) -> None:
    for space in spaces([ruleset]):
        plain, watching = (Hooks(space, [Loaded(ruleset)], watch) for watch in (Watch.NOTHING, Watch.EVERYTHING))
        for hook in hooks_with_chains(plain):
            manager = space.manager
            verdicts = [
                manager.mapped(one.outcomes(hook), lambda said: (said.verdict, said.nat)) for one in (plain, watching)
            ]
            assert verdicts[0] == verdicts[1]


def test_addresses_of_the_flow_behind_nat(tmp_path: Path) -> None:
    """What a new flow began as, and where its answers will come from."""
    space, ways = judged(
        tmp_path / "policy.yaml",
        """\
polc: 1
zones: {wan: eth0, lan: eth1}
nat:
  - {verdict: dnat, service: tcp/8080, from: {zone: wan}, target: "192.0.2.10:80"}
  - {verdict: snat, from: 192.0.2.0/24, to: {zone: wan}, target: 203.0.113.9}
forward:
  default: drop
  rules:
    - accept tcp/80 to lan where ct original daddr 203.0.113.5 and not ct reply saddr 203.0.113.5
""",
    )
    manager, outcomes = space.manager, ways.outcomes(Course.FORWARDED)
    came = {Of.PROTOCOL: 6, Of.CT: NEW, Of.FRAGMENT: 0, Of.SPORT: 40000, Of.IIF: space.interfaces.place("eth0")}

    def said(**also: int) -> set[object]:
        asked = came | {Of[name]: value for name, value in also.items()}
        points = manager.all_of(space.within(space.variable(of), value) for of, value in asked.items())
        values = manager.values(manager.where(manager.where(ways.valid(Course.FORWARDED), points), outcomes))
        return {one.accepted for one in values if isinstance(one, Outcome)}

    lan = space.interfaces.place("eth1")
    assert said(DADDR=0xCB007105, DPORT=8080, OIF=lan) == {True}
    assert said(DADDR=0xC000020A, DPORT=8080, OIF=lan) == {False}
