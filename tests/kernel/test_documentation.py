"""What the pages show is what kernels take: each policy and rule is loaded, read back and compared."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

import pytest
from field_table import NFT_ALONE, policy, rows
from pages import BLOCKS, PRELUDE, ROWS, Block, Row, wrapped, write_files

from polc.backends.registry import BACKENDS
from polc.compiler import ANY_APPROXIMATION, emit, read
from polc.kernel.devices import add_devices, devices_of
from polc.kernel.netns import ScratchNamespace
from polc.kernel.verify import verify
from tests.conftest import lacks

ALL = pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "conntrack", "hashlimit", "recent", "ftp-helper")
REFUSED = {"nft only": "iptables", "iptables only": "nft"}


def place(row: Row) -> tuple[str, str]:
    """Rows that can be loaded together: of one section, and of the same targets."""
    return row.section, REFUSED.get(row.said, "")


TABLES = {
    key: [rule for row in rows for rule in row.rules]
    for key, rows in groupby(
        sorted((row for row in ROWS if row.section != "names" and row.said != "on no target"), key=place), key=place
    )
}
LOADED = [block for block in BLOCKS if block.kind in ("policy", "rules") and "error" not in block.options]


NOT_BOTH = ("meta iifgroup", "meta rtclassid")
"""What iptables takes not in all places, or not for both families."""


def hold(text: str, refused: str, folder: Path, missing: str = "") -> None:
    """``missing``: what this kernel lacks for nft, which then has to be told by name."""
    path = folder / "policy.yaml"
    path.write_text(text)
    ruleset = read(str(path))
    targets = [target for target in BACKENDS if target not in refused.split(",")]
    outputs = {one: emit(ruleset, one, allow=frozenset({ANY_APPROXIMATION})) for one in targets}
    results = verify(outputs, devices_of(ruleset))
    assert results or not targets
    for result in results:
        if missing and result.target == "nft":
            assert "this host has no" in result.problems[0].message
            continue
        assert result.verified, (result.loader, result.differences, result.problems)


@ALL
@pytest.mark.parametrize("block", [pytest.param(one, id=one.place) for one in LOADED])
def test_every_loader_holds_it(block: Block, tmp_path: Path) -> None:
    write_files(block.page, tmp_path)
    text = block.text if block.kind == "policy" else wrapped(block.text, block.options["section"])
    refused = block.options.get("refused", "")
    missing = lacks(block.options["needs"]) if "needs" in block.options else ""
    if "format" in block.options:
        load_as_text(text, tmp_path, missing)
        refused += ",nft"
    hold(text, refused, tmp_path, missing)


def load_as_text(text: str, folder: Path, missing: str) -> None:
    path = folder / "policy.yaml"
    path.write_text(text)
    ruleset = read(str(path))
    with ScratchNamespace() as namespace:
        add_devices(namespace, devices_of(ruleset))
        done = namespace.run(["nft", "-f", "-"], input=emit(ruleset, "nft", "text").files[0].text)
        assert (done.returncode == 0) is (not missing), done.stderr


@ALL
@pytest.mark.parametrize("key", TABLES, ids=" ".join)
def test_every_loader_holds_the_rules_of_tables(key: tuple[str, str], tmp_path: Path) -> None:
    write_files(PRELUDE.page, tmp_path)
    section, refused = key
    rules = "".join(f"- {json.dumps(rule)}\n" for rule in dict.fromkeys(TABLES[key]))
    hold(wrapped(rules, section), refused, tmp_path)


@ALL
def test_every_loader_holds_the_table_of_fields(tmp_path: Path) -> None:
    hold(policy(rows()), "iptables", tmp_path)
    both = [row for row in rows() if row.place not in NFT_ALONE and row.field not in NOT_BOTH]
    hold(policy(both), "", tmp_path)
