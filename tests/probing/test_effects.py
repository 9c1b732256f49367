"""What a deliberate fault changes, by the symbolic engine: now, at another time, or of packets that nobody gets."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from polc.diagnostics import Collector
from polc.ir.ruleset import Ruleset
from polc.passes import pipeline
from polc.policy.read import inspect_source
from polc.probing.faults import Effect, effect_of
from polc.simulate.settings import Flavour
from polc.source import SourceFile

NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC).timestamp()
"""Of a Thursday."""


def compiled(rules: str) -> Ruleset:
    text = f"polc: 1\ninput: {{default: drop, rules: [{rules}, accept tcp]}}\n"
    return pipeline.run(inspect_source(SourceFile("policy.yaml", text), Collector()).ruleset)


@pytest.mark.parametrize(("before", "after", "effect"), [
    ("drop tcp/1", "drop tcp/2", Effect.VERDICT),
    ("drop tcp/1 where meta hour 11:00-13:00", "drop tcp/2 where meta hour 11:00-13:00", Effect.VERDICT),
    ("drop tcp/1 where meta hour 01:00-03:00", "drop tcp/2 where meta hour 01:00-03:00", Effect.LATER),
    ("drop tcp/1 where meta hour 11:00-13:00", "drop tcp/1 where meta hour 11:00-13:30", Effect.LATER),
    ("drop tcp/1 where meta day sunday", "drop tcp/1 where meta day monday", Effect.LATER),
    ("drop tcp/1 where meta day sunday", "drop tcp/1 where meta day thursday", Effect.VERDICT),
    ("drop tcp/1 where meta hour 01:00-03:00", "drop tcp/1 where meta hour 01:00-03:00", Effect.NOTHING),
    # Nobody gets what comes in from a group, or from the host itself.
    ("drop tcp/1 from 224.0.0.0/4", "accept tcp/1 from 224.0.0.0/4", Effect.MEMORY),
    ("drop tcp/1 where fib saddr type multicast", "accept tcp/1", Effect.MEMORY),
    ("drop tcp/1 where ip ttl 5 and fib saddr type multicast", "drop tcp/2 where ip ttl 5 and fib saddr type multicast",
     Effect.MEMORY),
])  # fmt: skip
def test_effects(before: str, after: str, effect: Effect) -> None:
    one, other = compiled(before), compiled(after)
    assert effect_of((one,), (other,), Flavour.NFT, NOON) == (effect, "")


def test_without_a_time_any_is_meant() -> None:
    one, other = compiled("drop tcp/1 where meta hour 01:00-03:00"), compiled("drop tcp/2")
    assert effect_of((one,), (other,), Flavour.NFT) == (Effect.VERDICT, "")
