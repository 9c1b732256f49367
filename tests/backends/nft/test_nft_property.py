"""Any ruleset loads in both formats, and reads back as what was emitted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from nft_help import emit, load_all, text
from strategies import rulesets

from polc.backends.model import Fidelity
from polc.backends.nft.compare import differences
from polc.ir.ruleset import Ruleset
from polc.kernel.netns import Namespace

EXAMPLES = 60


@pytest.mark.kernel("nft")
def test_loads_and_reads_back(scratch: Namespace, tmp_path: Path) -> None:
    drawn: list[Ruleset] = []

    # Generated all together, then loaded in one go: starting nft is what costs.
    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(rulesets(fields=True))
    def draw(one: Ruleset) -> None:
        drawn.append(one)

    draw()
    assert len(drawn) == EXAMPLES
    for one, loaded in zip(drawn, load_all(scratch, tmp_path, drawn), strict=True):
        assert differences(text(one), loaded.listed_json) == (), text(one, "text")
        assert loaded.by_text == loaded.by_json


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rulesets())
def test_nothing_valid_is_refused_and_bytes_are_the_same(one: Ruleset) -> None:
    for kind in ("json", "text"):
        output = emit(one, kind)
        assert not [deviation for deviation in output.deviations if deviation.fidelity is Fidelity.REFUSED]
        assert emit(one, kind) == output
