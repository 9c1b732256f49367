"""The case that a seed and a number lead to, whatever came before."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from polc.backends.registry import BACKENDS
from polc.fuzzing.case import Case
from polc.fuzzing.policies import policy
from polc.fuzzing.refusals import taken
from polc.fuzzing.saved import saved

GENERATORS = {"policy": policy, "iptables-save": saved}
"""What cases are made of; the keys are the words of the command line."""

_AS_DRAWN = 0.1
"""The share of cases whose rules are left as they were drawn, refused or not."""

_OF_BOTH = 0.5
"""The share of cases that lose the rules which not every target can say, so that all loaders have them."""


def drawn(seed: int, number: int, among: Sequence[str] = tuple(GENERATORS)) -> Case:
    """The case of that number as it is drawn; the same for the same arguments."""
    random = Random(f"{seed}/{number}")
    return GENERATORS[random.choice(among)](random)


def generate(seed: int, number: int, among: Sequence[str] = tuple(GENERATORS)) -> Case:
    """The case of that number, of rules that most often are taken by all; the same for the same arguments."""
    case, chance = drawn(seed, number, among), Random(f"{seed}/{number}/taken").random()
    if chance < _AS_DRAWN:
        return case
    return taken(case, tuple(BACKENDS) if chance < _AS_DRAWN + _OF_BOTH else ())
