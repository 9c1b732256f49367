"""Every kind of node loads on nft, from JSON and from text alike, and reads back as what was emitted."""

from __future__ import annotations

from pathlib import Path

import pytest
from nft_help import emit, load_all, text
from node_samples import SAMPLES

from polc.backends.model import Fidelity
from polc.backends.nft.compare import differences
from polc.kernel.netns import Namespace


@pytest.mark.kernel("nft", "conntrack", "ftp-helper")
def test_every_node_reads_back(scratch: Namespace, tmp_path: Path) -> None:
    rulesets = {name: sample.ruleset() for name, sample in SAMPLES.items()}
    kept = {
        name: one
        for name, one in rulesets.items()
        if all(each.fidelity is not Fidelity.REFUSED for each in emit(one).deviations)
    }
    assert len(kept) > len(SAMPLES) - 3
    for name, loaded in zip(kept, load_all(scratch, tmp_path, list(kept.values())), strict=True):
        assert differences(text(kept[name]), loaded.listed_json) == (), name
        assert loaded.by_text == loaded.by_json, name
