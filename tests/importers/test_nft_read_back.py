"""What nft lists of what the nft target wrote is read as what was meant: samples, goldens, examples, any ruleset."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from node_samples import SAMPLES
from strategies import rulesets
from test_nft_law import APART, emitted, imported, rule_for_rule

from polc.backends.model import Options, Output
from polc.backends.registry import BACKENDS
from polc.compiler import read
from polc.diagnostics import Failure
from polc.ir.canonical import differences
from polc.ir.ruleset import Ruleset, TableFamily
from polc.kernel.loaders import NftLoader
from polc.kernel.netns import Namespace

sys.path.append(str(Path(__file__).parents[1] / "backends" / "nft"))
from nft_help import load_all

ROOT = Path(__file__).parents[2]
POLICIES = [*sorted((ROOT / "tests" / "golden").glob("*.yaml")), *sorted((ROOT / "examples").glob("*.yaml"))]


@pytest.mark.kernel("nft", "conntrack", "ftp-helper")
def test_samples(scratch: Namespace, tmp_path: Path) -> None:
    rules = {name: sample.ruleset() for name, sample in SAMPLES.items() if name not in APART}
    kept = {
        name: one
        for name, one in rules.items()
        if emitted(one) is not None and one.family is TableFamily.INET and _loads(name, one)
    }
    assert len(kept) > 250
    for name, loaded in zip(kept, load_all(scratch, tmp_path, list(kept.values())), strict=True):
        assert differences(kept[name], imported(loaded.listed_json)) == (), name


def _loads(name: str, one: Ruleset) -> bool:
    """Whether kernels commonly have it, in text, too."""
    in_text = BACKENDS["nft"].emit(one, Options("text"))
    return not one.flowtables and "queue" not in name and not in_text.deviations


@pytest.mark.kernel("nft", "conntrack")
def test_any_ruleset(scratch: Namespace, tmp_path: Path) -> None:
    drawn: list[Ruleset] = []

    @settings(
        max_examples=60,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(rulesets(hit_counts=False, fields=True))
    def draw(one: Ruleset) -> None:
        if emitted(one) is not None and rule_for_rule(one):
            drawn.append(one)

    draw()
    for one, loaded in zip(drawn, load_all(scratch, tmp_path, drawn), strict=True):
        assert differences(one, imported(loaded.listed_json)) == ()


NOT_THE_SAME = {"native.yaml": "words of nft", "marks-masked.yaml": "bits of marks, which are copied by a rule each"}


@pytest.mark.kernel("nft", "conntrack", "ftp-helper", "nat")
@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.name)
def test_policies(path: Path, scratch: Namespace) -> None:
    """What is only near to what is meant is at least read alike, before loading and after."""
    ruleset = read(str(path))
    output = BACKENDS["nft"].emit(ruleset, Options("json"))
    if not output.files:
        assert output.deviations
        return
    before, listed = imported(output.files[0].text), _listed(scratch, output)
    if listed is None:
        return
    after = imported(listed)
    assert differences(before, after) == ()
    if not output.deviations and path.name not in NOT_THE_SAME:
        assert differences(ruleset, after) == ()


def _listed(namespace: Namespace, output: Output) -> str | None:
    """None: the kernel lacks something, which is then told by its name."""
    loader = NftLoader()
    try:
        loader.load(namespace, output)
    except Failure as failure:
        if "this host has no" not in failure.diagnostics[0].message:
            raise
        return None
    (file,) = loader.read_back(namespace, output)
    return file.text
