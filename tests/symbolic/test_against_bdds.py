"""What a hook may accept is the same set in interval decision diagrams and, read independently, in oxidd's BDDs."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from polc.diagnostics import Collector
from polc.firewalls import Firewall, read_firewall
from polc.ir.ruleset import Hook, Ruleset
from polc.symbolic.diagram import HOLDS
from polc.symbolic.hooks import Hooks, Loaded
from polc.symbolic.outcome import Outcome
from polc.symbolic.space import Of, Space, spaces
from tests.importers.corpus import NEEDED, saved
from tests.strategies import rulesets
from tests.symbolic.bdd import NotHere, Reading

HOOKS = (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT)
ALL = bool(os.environ.get("POLC_SYMBOLIC_PACKETS"))


def compare(firewall: Firewall) -> Counter[str]:
    found: Counter[str] = Counter()
    for space in spaces(firewall.rulesets):
        hooks = Hooks(space, [Loaded(one, firewall.flavour) for one in firewall.rulesets])
        if hooks.translates:
            found["translates"] += 1
        for hook in HOOKS:
            if not hooks.base_chains(hook):
                continue
            if hook is Hook.OUTPUT and hooks.translates:
                # NAT comes before the filter there, and changes what that sees: the other reading knows nothing of it.
                found["left out"] += 1
                continue
            accepted = may_accept(space, hooks, hook)
            reading = Reading(space)
            reading.number_variables()
            try:
                ours, theirs = reading.converted(accepted), reading.accepted(list(firewall.rulesets), hook)
            except NotHere:
                found["left out"] += 1
                continue
            # Bits can be more than a variable has values.
            domain = reading.all
            for one in space.variables:
                domain &= reading.at_most(reading.variable(one.number), one.highest)
            assert (ours ^ theirs) & domain == reading.none, hook
            found["compared"] += 1
    return found


def may_accept(space: Space, hooks: Hooks, hook: Hook) -> int:
    """The packets that some answers of memory let through."""
    manager = space.manager
    members = manager.chosen(hooks.outcomes(hook), lambda said: isinstance(said, Outcome) and said.accepted)
    for one in space.variables:
        if one.of is Of.ANSWER:
            members = manager.exists(members, one.number)
    return members


def files() -> list[Path]:
    """Large ones only where time does not count."""
    return [path for path in saved() if ALL or path.stat().st_size < 150_000]


@NEEDED
@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_corpus(path: Path) -> None:
    firewall = read_firewall(str(path), Collector())
    found = compare(firewall)
    assert (
        found["compared"]
        or found["left out"]
        or not any(getattr(chain, "hook", None) in HOOKS for one in firewall.rulesets for chain in one.chains)
    )


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rulesets(nat=False, sets=False))
def test_random_rulesets(ruleset: Ruleset) -> None:
    compare(Firewall((ruleset,)))


def test_the_comparison_can_fail(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("polc: 1\ninput:\n  default: drop\n  rules:\n    - accept tcp/22 from 192.0.2.0/24\n")
    firewall = read_firewall(str(policy), Collector())
    space = spaces(firewall.rulesets)[0]
    hooks = Hooks(space, [Loaded(one) for one in firewall.rulesets])
    accepted = may_accept(space, hooks, Hook.INPUT)
    reading = Reading(space)
    reading.number_variables()
    theirs = reading.accepted(list(firewall.rulesets), Hook.INPUT)
    wider = space.manager.over(accepted, space.manager.where(HOLDS, space.within(space.variable(Of.DPORT), 23)))
    assert reading.converted(accepted) == theirs
    assert reading.converted(wider) != theirs
