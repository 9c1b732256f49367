"""What rules come upon in sets that are filled before packets are sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from polc.ir.filling import Filling, filled
from polc.simulate.hooks import Loaded


def with_fillings(loaded: Sequence[Loaded], fillings: Sequence[Filling]) -> tuple[Loaded, ...]:
    """What is loaded, with all that is put into its sets."""
    rulesets = filled([one.ruleset for one in loaded], fillings)
    return tuple(replace(one, ruleset=ruleset) for one, ruleset in zip(loaded, rulesets, strict=True))
