"""Arbitrary rulesets: all four loaders take what is emitted, and print it back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from restore_tools import load
from strategies import rulesets

from polc.backends.iptables.backend import IptablesBackend
from polc.backends.model import Fidelity, Options, Output
from polc.ir.ruleset import Ruleset

BACKEND = IptablesBackend()
HOW_MANY = 60


@pytest.fixture(scope="module")
def some() -> list[Ruleset]:
    """Drawn once: a namespace a ruleset is the dear part, and they are loaded in one go."""
    found: list[Ruleset] = []

    @given(rulesets(most_rules=6))
    @settings(max_examples=HOW_MANY, deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
    def collect(ruleset: Ruleset) -> None:
        found.append(ruleset)

    collect()
    return found


@pytest.mark.kernel("iptables-legacy", "iptables-nft", "hashlimit", "recent", "ftp-helper", "ipset")
def test_all_loaders_print_it_back(some: list[Ruleset], tmp_path: Path) -> None:
    outputs = [BACKEND.emit(ruleset, Options("restore")) for ruleset in some]
    for ruleset, output, loaded in zip(some, outputs, load(outputs, tmp_path), strict=True):
        wrong = [sentence for one in loaded for sentence in one.wrong]
        assert not wrong, (wrong, ruleset, [file.text for file in output.files])


def test_emitting_twice_gives_the_same_bytes(some: list[Ruleset]) -> None:
    for ruleset in some:
        assert BACKEND.emit(ruleset, Options("restore")) == IptablesBackend().emit(ruleset, Options("restore"))


def test_little_is_refused(some: list[Ruleset]) -> None:
    for ruleset in some:
        refused = {
            one.name for one in BACKEND.emit(ruleset, Options("restore")).deviations if one.fidelity is Fidelity.REFUSED
        }
        assert refused <= {
            "conntrack-zone",
            "field-value",
            "field-values",
            "node-place",
            "one-second",
            "leaves-chain",
            "helper-place",
            "named-counter",
            "limit-resolution",
        }


def test_every_jump_has_its_chain(some: list[Ruleset]) -> None:
    for ruleset in some:
        for text in _tables(BACKEND.emit(ruleset, Options("restore"))):
            declared = set(re.findall(r"^:(\S+)", text, re.MULTILINE))
            used = set(re.findall(r"^-A (\S+)", text, re.MULTILINE))
            called = set(re.findall(r" -[jg] ([a-z]\S*)", text))
            assert used | called <= declared


def _tables(output: Output) -> list[str]:
    return [table for file in output.files for table in file.text.split("COMMIT\n")]
