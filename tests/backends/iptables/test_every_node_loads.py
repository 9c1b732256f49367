"""Every kind of node that iptables has words for, through all four loaders, which print it back."""

from __future__ import annotations

from pathlib import Path

import pytest
from node_samples import SAMPLES
from restore_tools import load

from polc.backends.iptables.backend import IptablesBackend
from polc.backends.model import Fidelity, Options


@pytest.mark.kernel("iptables-legacy", "iptables-nft", "hashlimit", "recent", "ftp-helper", "nat", "conntrack")
def test_every_node_reads_back(tmp_path: Path) -> None:
    outputs = {name: IptablesBackend().emit(sample.ruleset(), Options("restore")) for name, sample in SAMPLES.items()}
    kept = {
        name: output
        for name, output in outputs.items()
        if not any(one.fidelity is Fidelity.REFUSED for one in output.deviations)
    }
    assert kept
    for name, loaded in zip(kept, load(list(kept.values()), tmp_path), strict=True):
        assert not [wrong for one in loaded for wrong in one.wrong], name
