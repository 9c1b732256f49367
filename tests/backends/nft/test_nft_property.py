"""Any ruleset loads in both formats, and reads back as what was emitted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nft_strategies
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from nft_help import Written, emit, load_all, load_written, text
from strategies import rulesets

from polc.backends.model import Fidelity, Options
from polc.backends.nft.backend import NftBackend
from polc.backends.nft.compare import differences
from polc.backends.profile import OLDEST
from polc.ir.ruleset import Ruleset
from polc.kernel.capabilities import measure
from polc.kernel.netns import Namespace

EXAMPLES = 60


def _drawn(strategy: SearchStrategy[Ruleset]) -> list[Ruleset]:
    """Generated all together, then loaded in one go: starting nft is what costs."""
    drawn: list[Ruleset] = []

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(strategy)
    def draw(one: Ruleset) -> None:
        drawn.append(one)

    run: Callable[[], None] = draw
    run()
    assert len(drawn) == EXAMPLES
    return drawn


@pytest.mark.kernel("nft")
def test_loads_and_reads_back(scratch: Namespace, tmp_path: Path) -> None:
    drawn = _drawn(rulesets(fields=True))
    for one, loaded in zip(drawn, load_all(scratch, tmp_path, drawn), strict=True):
        assert differences(text(one), loaded.listed_json) == (), text(one, "text")
        assert loaded.by_text == loaded.by_json


@pytest.mark.kernel("nft", "conntrack")
@pytest.mark.parametrize("oldest", [True, False], ids=["oldest", "host"])
def test_what_only_nft_has_loads_and_reads_back(oldest: bool, scratch: Namespace, tmp_path: Path) -> None:
    """Keys of several parts, maps, lists; what a profile does not have is left out, and the rest loads."""
    profile = OLDEST if oldest else measure(frozenset({"nft"}))
    written = []
    for drawn in _drawn(nft_strategies.rulesets()):
        outputs = {kind: NftBackend().emit(drawn, Options(kind, profile)) for kind in ("json", "text")}
        written.append(Written("", drawn.family.value, {kind: each.files[0].text for kind, each in outputs.items()}))
    for one, loaded in zip(written, load_written(scratch, tmp_path, written), strict=True):
        assert differences(one.forms["json"], loaded.listed_json) == (), one.forms["text"]
        assert loaded.by_text == loaded.by_json, one.forms["text"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rulesets())
def test_nothing_valid_is_refused_and_bytes_are_the_same(one: Ruleset) -> None:
    for kind in ("json", "text"):
        output = emit(one, kind)
        assert not [deviation for deviation in output.deviations if deviation.fidelity is Fidelity.REFUSED]
        assert emit(one, kind) == output


LITTLE = (
    "overwriting of TCP options",
    "`return` and `goto`",
    "this negation takes a chain of its own",
    "is in no element and not outside of them",
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nft_strategies.rulesets())
def test_little_of_what_only_nft_has_is_refused(one: Ruleset) -> None:
    for kind in ("json", "text"):
        output = emit(one, kind)
        messages = {each.message for each in output.deviations if each.fidelity is Fidelity.REFUSED}
        assert all(any(words in each for words in LITTLE) for each in messages)
        assert emit(one, kind) == output
