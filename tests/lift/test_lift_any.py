"""The law of lifting for any ruleset."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import given, settings

sys.path.append(str(Path(__file__).parents[1]))

from law import keeps_the_law, read_back
from strategies import rulesets

from polc.ir.ruleset import Ruleset
from polc.lift import Lifted, lift


def refused_by_place(policy: Lifted) -> bool:
    """Whether it was refused; only for what no packet has where the chain is called from, such as a frame's address."""
    assert all("cannot stand in" in one.message for one in policy.refused)
    return bool(policy.refused)


@settings(max_examples=60, deadline=None)
@given(rulesets(fields=True))
def test_any_ruleset_is_the_policy_that_it_becomes(ruleset: Ruleset) -> None:
    policy = lift(ruleset)
    if not refused_by_place(policy):
        keeps_the_law(ruleset, policy)


@settings(max_examples=30, deadline=None)
@given(rulesets(fields=True))
def test_a_policy_that_was_lifted_is_lifted_to_itself(ruleset: Ruleset) -> None:
    first = lift(ruleset)
    if refused_by_place(first):
        return
    second = lift(read_back(first).ruleset)
    assert not second.refused
    keeps_the_law(read_back(first).ruleset, second)
