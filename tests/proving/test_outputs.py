"""What is emitted for the goldens is read again and proven to mean what they say, on both targets, for both families.

``POLC_PROVE_ALL=1`` proves translations of the corpus too, which takes minutes.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from polc.compiler import ANY_APPROXIMATION, emit
from polc.diagnostics import Collector, Failure
from polc.firewalls import read_firewalls
from polc.passes import pipeline
from polc.policy import read_policy
from polc.proving.model import Result
from polc.proving.validation import validate

GOLDEN = Path(__file__).parent.parent / "golden"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.yaml"))
CORPUS = Path(os.environ.get("POLC_CORPUS") or Path(__file__).parents[3] / "shared" / "corpus") / "iptables-save"

BUDGET = 60_000
"""Nodes: fifty times what any of them takes that is proven."""

LARGE = {("marks-masked", "nft"): BUDGET * 100}
"""A rule for each of 256 marks, each of which may have been set by the one before."""


@pytest.mark.parametrize("target", ["nft", "iptables"])
@pytest.mark.parametrize("name", NAMES)
def test_goldens(name: str, target: str) -> None:
    meant = read_policy(str(GOLDEN / f"{name}.yaml"), Collector())
    try:
        output = emit(pipeline.run(meant), target)
    except Failure:
        assert (GOLDEN / f"{name}.{target}.refused").exists() or refused_as_json(name, target)
        return
    answer = validate([meant], target, output.files, budget=LARGE.get((name, target), BUDGET))
    assert answer.result is Result.PROVEN, answer


def refused_as_json(name: str, target: str) -> bool:
    """Approximate outputs are kept where somebody agrees to them, and JSON of old nft lacks words that its text has."""
    meant = pipeline.run(read_policy(str(GOLDEN / f"{name}.yaml"), Collector()))
    try:
        emit(meant, target, "text" if target == "nft" else None, allow=frozenset({ANY_APPROXIMATION}))
    except Failure:
        return False
    return True


@pytest.mark.skipif(
    os.environ.get("POLC_PROVE_ALL") != "1", reason="POLC_PROVE_ALL=1 proves translations of the corpus"
)
@pytest.mark.parametrize("target", ["nft", "iptables"])
@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.save")), ids=lambda one: one.stem)
def test_the_corpus(path: Path, target: str) -> None:
    meant = read_firewalls([str(path)], "polc", Collector())
    for ruleset in meant:
        try:
            output = emit(pipeline.run(ruleset), target)
        except Failure:
            continue
        answer = validate([ruleset], target, output.files)
        assert answer.result is not Result.REFUTED, answer
