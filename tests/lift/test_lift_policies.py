"""Policies to rulesets and back: what people wrote reads as they wrote it, or near to that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from law import keeps_the_law

from polc.diagnostics import Collector
from polc.lift import lift
from polc.policy import read_policy
from polc.policy.format.printer import print_text
from polc.policy.format.tree import read_text
from polc.source import SourceFile

ROOT = Path(__file__).parents[2]
POLICIES = sorted(
    str(path.relative_to(ROOT))
    for folder in ("tests/golden", "examples", "polc/templates")
    for path in (ROOT / folder).glob("*.yaml")
)
KEPT = Path(__file__).parent / "kept"


def lifted(name: str) -> str:
    ruleset = read_policy(name, Collector())
    policy = lift(ruleset)
    assert not policy.refused
    keeps_the_law(ruleset, policy)
    return policy.text


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_is_what_it_was(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    text = lifted(name)
    assert print_text(read_text(SourceFile("lifted.yaml", text))) == text


@pytest.mark.parametrize("name", ["examples/gateway.yaml", "tests/golden/endpoints.yaml", "tests/golden/nat.yaml"])
def test_it_reads_as_one_that_somebody_wrote(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """``POLC_UPDATE_GOLDEN=1`` writes them anew."""
    monkeypatch.chdir(ROOT)
    text = lifted(name)
    path = KEPT / f"{Path(name).stem}.yaml"
    if os.environ.get("POLC_UPDATE_GOLDEN") == "1":
        path.write_text(text)
    assert text == path.read_text()
