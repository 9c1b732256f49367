"""Conntrack zones on iptables, beside a helper: the first `-j CT` that a packet meets decides, so both stand in one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from compiled import variant
from lab import Lab
from test_ftp_active import EXAMPLE, lab, listing, works  # noqa: F401

from polc.compiler import emit, read
from polc.ir.ruleset import BaseChain, ChainType, Hook, Priority, Rule, Ruleset
from polc.ir.statements import AssignZone, Notrack
from polc.ir.verdicts import Accept
from polc.kernel.loaders import LOADERS, Loader

IPTABLES = pytest.mark.parametrize(
    "loader",
    [
        pytest.param(one, marks=pytest.mark.kernel(one.name, "ftp-helper", "conntrack"), id=one.name)
        for one in LOADERS[1:]
    ],
)


def zoned(directory: Path, *rules: Rule) -> Ruleset:
    """The example of an FTP client, with rules in table raw both ways."""
    path = directory / "policy.yaml"
    path.write_text(variant(EXAMPLE))
    ruleset = read(str(path))
    raw = (
        BaseChain(f"raw-{hook.value}", ChainType.FILTER, hook, Priority.RAW.value, Accept(), rules)
        for hook in (Hook.PREROUTING, Hook.OUTPUT)
    )
    return replace(ruleset, chains=(*ruleset.chains, *raw))


@IPTABLES
def test_a_flow_in_a_zone_has_its_helper(lab: Lab, loader: Loader, tmp_path: Path) -> None:  # noqa: F811
    output = emit(zoned(tmp_path, Rule((), None, (AssignZone(5),))), "iptables", allow=frozenset({"all"}))
    client = lab["client"].namespace
    loader.load(client, output)
    for emitted, listed in zip(output.files, loader.read_back(client, output), strict=True):
        assert loader.differences(emitted.text, listed.text) == ()
    works(lab, "ip")
    flows = client.run(["cat", "/proc/net/nf_conntrack"]).stdout.splitlines()
    assert len(flows) == 2, "the control connection, and the one that the server opened"
    assert all(" zone=5 " in line for line in flows)


@IPTABLES
def test_what_is_exempted_has_none(lab: Lab, loader: Loader, tmp_path: Path) -> None:  # noqa: F811
    output = emit(zoned(tmp_path, Rule((), None, (Notrack(),))), "iptables", allow=frozenset({"all"}))
    client = lab["client"].namespace
    loader.load(client, output)
    assert listing(lab, "ip") != "readme.txt second.txt"
    assert not client.run(["cat", "/proc/net/nf_conntrack"]).stdout
