"""The passes in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable

from polc.ir.ruleset import Ruleset
from polc.passes.narrow_protocols import narrow_protocols
from polc.passes.split_families import split_families

PIPELINE: tuple[Callable[[Ruleset], Ruleset], ...] = (narrow_protocols, split_families)


def run(ruleset: Ruleset) -> Ruleset:
    """The ruleset as backends want it: see each pass for what holds after it."""
    for one in PIPELINE:
        ruleset = one(ruleset)
    return ruleset
