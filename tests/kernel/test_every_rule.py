"""``polc verify`` over all examples and goldens: every rule that a packet can meet decides a real one on each loader,
and all is as expected. A part of them is tried; ``POLC_EVERY_RULE=1`` has all.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from needed import OF_NFT, lacking

from polc.cli.main import main
from polc.kernel.loaders import LOADERS
from tests.conftest import lacks

ROOT = Path(__file__).parents[2]
FILES = [*sorted((ROOT / "examples").glob("*.yaml")), *sorted((ROOT / "tests" / "golden").glob("*.yaml"))]
CHOSEN = FILES if os.environ.get("POLC_EVERY_RULE") else FILES[::9]

NOT_FOUND: dict[str, set[int]] = {
    "verdicts": {36},  # a packet with a mark that no rule gives
    "where-flow": {18},  # bytes that nobody counts
    "where-owner": {13},  # control groups
    "where-packet": {9, 27},  # what strict filtering has dropped; IPsec
    "where-reply": {13},  # averages that nobody counts
    "where-time": {6, 7, 10},  # another time of day
}
"""The rules that no packet is found for, though it is not proven that there is none, by their lines."""


NEWER = ("flowtable", "ingress")
"""Of which the oldest nft has no JSON."""

NO_JSON = ("ct-timeout",)
"""Of which the nft of this host has none either."""


def refused(path: Path) -> set[str]:
    found = {target for target in ("nft", "iptables") if path.with_suffix(f".{target}.refused").exists()}
    return found | {"nft"} if path.stem in NO_JSON else found


@pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "conntrack", "hashlimit", "recent", "nat")
@pytest.mark.parametrize("path", CHOSEN, ids=lambda path: path.stem)
def test_every_rule_decides_a_packet(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loaders = [one.name for one in LOADERS if one.target not in refused(path)]
    targets = sorted({one.target for one in LOADERS if one.name in loaders})
    arguments = [part for target in targets for part in ("--target", target)]
    if path.stem in NEWER:
        arguments += ["--for", "debian-12"]
    arguments += ["--allow-approximate", "all", "--longest-wait", "0.7", "--output-format", "json"]
    if not loaders:
        pytest.skip("the nft of this host has no JSON for it")
    status = main(["verify", str(path), *arguments])
    tree = json.loads(capsys.readouterr().out)
    probes = tree["probes"]
    if status == 3:
        # The kernel of this host lacks something: what it has is asked.
        without = {one["loader"]: one["problems"][0]["message"] for one in tree["results"] if one["problems"]}
        if without.keys() - {"nft"} or path.stem not in OF_NFT or not lacks(OF_NFT[path.stem]):
            lacking(f"{without}")
        loaders = [one for one in loaders if one not in without]
        status = 0 if loaders else 3
    if status == 3:
        pytest.skip("this host has no loader for it: " + tree["results"][0]["problems"][0]["message"][:100])
    assert status == 0, json.dumps(probes, indent=1)[:3000]
    left = {(one["why"], int(one["rule"].rpartition(":")[2].split()[0])) for one in probes["unreached"]}
    assert {line for why, line in left if why == "not found"} <= NOT_FOUND.get(path.stem, set()), probes["unreached"]
    assert [one["loader"] for one in probes["loaders"]] == loaders
    for one in probes["loaders"]:
        assert one["disagreements"] == []
        assert probes["rules"] - len(left) - one["decided"] == 0, one
