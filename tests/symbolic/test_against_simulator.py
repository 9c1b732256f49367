"""The engine and the simulator say the same of single packets: which way they go, and who decides."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polc.diagnostics import Collector
from polc.firewalls import Firewall, read_firewall
from polc.ir.flavour import Flavour
from polc.ir.ruleset import Hook, Ruleset
from polc.proving.replay import NoReplay, Replay, agree, follow, follower, replay
from polc.symbolic.hooks import Hooks, Loaded
from polc.symbolic.outcome import Watch
from polc.symbolic.space import spaces
from polc.symbolic.trace import deciding
from polc.symbolic.ways import Course, Ways
from polc.symbolic.witness import witness_of
from tests.importers.corpus import NEEDED, saved
from tests.strategies import rulesets
from tests.symbolic.points import hooks_with_chains, walk

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.yaml"))
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
                point = walk(space, valid, random)
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
                if said.known and simulated.decision is not None and not said.nat:
                    who = deciding(hooks, hook, point)
                    assert who is not None, place
                    ours = (who.chain.name, who.number)
                    assert ours == (simulated.decision.chain, simulated.decision.number), place
    return found


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_goldens(path: Path) -> None:
    found = compare(read_firewall(str(path), Collector()), PACKETS or 8, Random(path.stem))
    assert found["agreed"] > 0, found


@NEEDED
@pytest.mark.parametrize("path", saved(), ids=lambda path: path.stem)
def test_corpus(path: Path) -> None:
    firewall = read_firewall(str(path), Collector())
    size = sum(len(chain.rules) for one in firewall.rulesets for chain in one.chains)
    if size > 1000 and not PACKETS:
        # The simulator takes its time to make these; a few packets through the hook with the rules.
        found = compare(firewall, 3, Random(path.stem), frozenset({Hook.FORWARD}))
    else:
        found = compare(firewall, PACKETS or 5, Random(path.stem))
    assert found["agreed"] > 0, found


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
                point = walk(space, valid, random)
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
def test_ways_of_goldens(path: Path) -> None:
    compare_ways(read_firewall(str(path), Collector()), PACKETS or 4, Random(path.stem))


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
