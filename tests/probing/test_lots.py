"""What is left to chance is wrong only where all packets are alike."""

from __future__ import annotations

import pytest

from polc.diagnostics import Collector
from polc.ir.stateful import CERTAINTY, RandomMatch
from polc.kernel.stage.fate import Fate, Verdict
from polc.policy.read import inspect_source
from polc.probing.lots import BY_LOT, times_of
from polc.probing.make import plan
from polc.probing.play import Played, played
from polc.probing.wish import Wish
from polc.simulate.hooks import Loaded
from polc.source import SourceFile

TEXT = "polc: 1\nsettings: {family: ip}\ninput: {default: drop, rules: [accept udp/6 probability 0.5, drop udp/6]}\n"


@pytest.mark.parametrize(("share", "times"), [(0.5, 21), (0.9, 133), (0.1, 133), (0.0, None), (1.0, None)])
def test_how_many_it_takes(share: float, times: int | None) -> None:
    for negated in (False, True):
        assert times_of(RandomMatch(int(share * CERTAINTY), negated)) == times


def lot(accepted: int) -> list[Played]:
    """What is made of the packets of a lot, of which so many were let through."""
    loaded = Loaded(inspect_source(SourceFile("policy.yaml", TEXT), Collector()).ruleset)
    scenes = plan((loaded,), wish=Wish()).scenes
    (scene,) = (one for one in scenes if any(probe.about == BY_LOT for probe in one.probes))
    fates: list[Fate] = []
    left = accepted
    for probe in scene.probes:
        for packet in probe.packets:
            passes = probe.about == BY_LOT and left > 0
            left -= passes
            fates.append(Fate(packet, Verdict.ACCEPT if passes else Verdict.DROP, packet if passes else None))
    return [one for one in played(scene, (loaded,), fates) if one.probe.about == BY_LOT]


def test_some_of_each_are_as_expected() -> None:
    for accepted in (1, 10, 20):
        found = lot(accepted)
        assert all(one.agrees and one.certain for one in found)
        assert {place for one in found for place in one.met} >= {("input", 0), ("input", 1)}


@pytest.mark.parametrize(("accepted", "missing"), [(0, "accept"), (1000, "drop")])
def test_all_alike_are_not(accepted: int, missing: str) -> None:
    found = lot(accepted)
    assert [one.agrees for one in found] == [True] * (len(found) - 1) + [False]
    assert found[-1].expected.verdict == missing
