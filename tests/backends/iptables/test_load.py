"""Arbitrary rulesets: all four loaders take what is emitted, and print it back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from restore_tools import load
from strategies import rulesets

from polc.backends.iptables.backend import IptablesBackend
from polc.backends.model import Fidelity, Output
from polc.ir.ruleset import Ruleset

BACKEND = IptablesBackend()


@pytest.mark.kernel("iptables-legacy", "iptables-nft", "hashlimit", "recent", "ftp-helper")
@given(batch=st.lists(rulesets(most_rules=8), min_size=30, max_size=30))
@settings(
    max_examples=4,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
def test_every_loader_takes_it_and_prints_it_back(
    batch: list[Ruleset], tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory: Path = tmp_path_factory.mktemp("batch")
    outputs = [BACKEND.emit(ruleset, "restore") for ruleset in batch]
    for ruleset, output, loaded in zip(batch, outputs, load(outputs, directory), strict=True):
        wrong = [sentence for one in loaded for sentence in one.wrong]
        assert not wrong, (wrong, ruleset, [file.text for file in output.files])


@given(rulesets())
@settings(max_examples=60, deadline=None)
def test_emitting_twice_gives_the_same_bytes(ruleset: Ruleset) -> None:
    assert BACKEND.emit(ruleset, "restore") == BACKEND.emit(ruleset, "restore")


@given(rulesets(sets=False))
@settings(max_examples=100, deadline=None)
def test_only_what_leaves_a_chain_or_has_no_place_is_refused(ruleset: Ruleset) -> None:
    refused = {one.name for one in BACKEND.emit(ruleset, "restore").deviations if one.fidelity is Fidelity.REFUSED}
    assert refused <= {"leaves-chain", "helper-place", "input-interface", "limit-resolution"}


@given(rulesets())
@settings(max_examples=60, deadline=None)
def test_every_jump_has_its_chain(ruleset: Ruleset) -> None:
    for text in _tables(BACKEND.emit(ruleset, "restore")):
        declared = set(re.findall(r"^:(\S+)", text, re.MULTILINE))
        used = set(re.findall(r"^-A (\S+)", text, re.MULTILINE))
        called = set(re.findall(r" -[jg] ([a-z]\S*)", text))
        assert used | called <= declared


def _tables(output: Output) -> list[str]:
    return [table for file in output.files for table in file.text.split("COMMIT\n")]
