"""Policies that real rulesets became, compiled again and loaded."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "importers"))

import pytest
from compiled import every_loader
from corpus import NEEDED, saved

from polc.backends.model import Output
from polc.compiler import ANY_APPROXIMATION, compile_policy, emit
from polc.diagnostics import Collector, Failure
from polc.importers.iptables.read import Input, Kind, read
from polc.ir.family import Family
from polc.kernel.loaders import Loader
from polc.kernel.netns import ScratchNamespace
from polc.lift import lift
from polc.passes import pipeline
from polc.source import SourceFile

pytestmark = NEEDED
LARGE = 20_000
"""Bytes: larger files have nothing that smaller ones have not."""
SMALL = [path for path in saved() if path.stat().st_size < LARGE]


AGREED = frozenset({ANY_APPROXIMATION})


def compiled(saving: Path, target: str, path: Path) -> Output | None:
    """What the policy becomes, None where the target can hold neither it nor what it was."""
    family = Family.IP6 if ".v6." in saving.name else Family.IP
    (ruleset,) = read([Input(SourceFile(saving.name, saving.read_text()), Kind.RESTORE, family)], Collector())
    lifted = lift(ruleset)
    path.write_text(lifted.text)
    try:
        return compile_policy(str(path), target, allow=AGREED)
    except Failure:
        if lifted.natives and target == "nft":
            # In a policy these are the words of iptables alone.
            return None
        with pytest.raises(Failure):
            emit(pipeline.run(ruleset), target, allow=AGREED)
        return None


@every_loader("conntrack", "nat", "hashlimit", "recent", "ftp-helper")
def test_what_they_became_loads(loader: Loader, tmp_path: Path) -> None:
    loaded = 0
    for saving in SMALL:
        output = compiled(saving, loader.target, tmp_path / "policy.yaml")
        if output is None:
            continue
        with ScratchNamespace() as namespace:
            loader.load(namespace, output)
            for emitted, listed in zip(output.files, loader.read_back(namespace, output), strict=True):
                assert loader.differences(emitted.text, listed.text) == ()
        loaded += 1
    assert loaded > len(SMALL) * 2 // 3
