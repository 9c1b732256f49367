"""A table with something of all that nft has, read, written again, loaded and read back: it is the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from polc.backends.model import Options
from polc.backends.nft.backend import NftBackend
from polc.backends.profile import PROFILES
from polc.diagnostics import Collector
from polc.importers.nft_json import read_nft_json
from polc.ir.canonical import differences
from polc.ir.matches import OpaqueMatch
from polc.ir.ruleset import Ruleset
from polc.ir.statements import OpaqueStatement
from polc.kernel.netns import Namespace
from polc.kernel.read_nft_text import read_nft_text
from polc.kernel.remote import RemoteNftables
from polc.passes import pipeline
from polc.source import SourceFile

EVERYTHING = Path(__file__).parents[1] / "importers" / "everything.nft"

OPAQUE = {
    # Objects that a map chooses, and of a set that is used elsewhere
    "quota": 1, "limit": 1, "set": 1, "counter": 1,
    # Parts of packets that the IR has no words for, and the turn of both families
    "match": 2, "mangle": 4,
    "log": 1, "dnat": 1, "snat": 1, "tproxy": 2,
}  # fmt: skip
"""Statements that stay in nft's words."""


def opaque(ruleset: Ruleset) -> dict[str, int]:
    found: dict[str, int] = {}
    for chain in ruleset.chains:
        for rule in chain.rules:
            for one in (*rule.matches, *rule.statements):
                if isinstance(one, OpaqueMatch | OpaqueStatement):
                    (kind,) = json.loads(one.words)
                    found[kind] = found.get(kind, 0) + 1
    return found


@pytest.mark.kernel("nft", "conntrack", "ftp-helper", "nat")
def test_everything(scratch: Namespace) -> None:
    (ruleset,) = read_nft_json(read_nft_text(SourceFile(str(EVERYTHING), EVERYTHING.read_text())), Collector())
    assert opaque(ruleset) == OPAQUE
    ruleset = pipeline.run(ruleset)
    output = NftBackend().emit(ruleset, Options("json", profile=PROFILES["debian-12"]))
    assert output.deviations == ()
    with RemoteNftables(scratch) as nft:
        nft.run_json(output.files[0].text)
        listed = nft.list_table("inet", "everything")
    (again,) = read_nft_json(SourceFile("listing", listed), Collector())
    assert differences(ruleset, pipeline.run(again)) == ()
