"""The case that a seed and a number lead to, whatever came before."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from polc.fuzzing.case import Case, Kind
from polc.fuzzing.policies import policy
from polc.fuzzing.saved import saved

POLICY, SAVED = "policy", "iptables-save"
GENERATORS = {POLICY: policy, SAVED: saved}
"""What cases are made of; the keys are the words of the command line."""


def generate(seed: int, number: int, among: Sequence[str] = tuple(GENERATORS)) -> Case:
    """The case of that number, one or more; the same for the same arguments."""
    random = Random(f"{seed}/{number}")
    return GENERATORS[random.choice(among)](random)


def is_policy(case: Case) -> bool:
    return case.kind is Kind.POLICY
