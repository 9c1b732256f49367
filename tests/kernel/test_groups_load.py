"""Groups of addresses as ipsets in a real kernel: their members, their change under rules, and packets."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from gateway import ask, gateway
from packet_text import parse_test

from polc.backends.model import IpsetUse, Output
from polc.compiler import compile_policy
from polc.diagnostics import Failure
from polc.kernel.loaders import LOADERS, Loader
from polc.kernel.netns import Namespace

IPTABLES = pytest.mark.parametrize(
    "loader",
    [pytest.param(one, marks=pytest.mark.kernel(one.name, "ipset"), id=one.name) for one in LOADERS[1:]],
)
FIRST = "192.0.2.0/24, 198.51.100.1, 203.0.113.5-203.0.113.9, 2001:db8::/32, fd00::/8"
SECOND = "192.0.2.0/25, 198.51.100.1, 0.0.0.0/8, 2001:db8::1-2001:db8::5"


def compiled(directory: Path, members: str, ipset: IpsetUse = IpsetUse.ALWAYS) -> Output:
    path = directory / "policy.yaml"
    path.write_text(
        f"polc: 1\naddresses: {{listed: ['{members.replace(', ', chr(39) + ', ' + chr(39))}']}}\n"
        "input:\n  default: drop\n  rules: [accept tcp/22 from @listed, accept tcp/23 from not @listed]\n"
    )
    return compile_policy(str(path), "iptables", ipset=ipset)


def members(namespace: Namespace) -> set[str]:
    done: subprocess.CompletedProcess[str] = namespace.run(["ipset", "save"])
    return {line.split(" ", 2)[2] for line in done.stdout.splitlines() if line.startswith("add ")}


@IPTABLES
def test_members_are_those_of_the_group(loader: Loader, scratch: Namespace, tmp_path: Path) -> None:
    output = compiled(tmp_path, FIRST)
    for _ in range(2):
        loader.load(scratch, output)
        for emitted, listed in zip(output.files, loader.read_back(scratch, output), strict=True):
            assert loader.differences(emitted.text, listed.text) == ()
        words = "192.0.2.0/24 198.51.100.1 203.0.113.5 203.0.113.6/31 203.0.113.8/31 2001:db8::/32 fd00::/8"
        assert members(scratch) == set(words.split())


@IPTABLES
def test_what_is_more_or_less_is_a_difference(loader: Loader, scratch: Namespace, tmp_path: Path) -> None:
    output = compiled(tmp_path, FIRST)
    loader.load(scratch, output)
    names = scratch.run(["ipset", "list", "-n"]).stdout.split()
    (name,) = (one for one in names if one.endswith("-v4") and "complete" not in one)
    scratch.run(["ipset", "add", name, "10.0.0.0/8"])
    scratch.run(["ipset", "del", name, "192.0.2.0/24"])
    listed = loader.read_back(scratch, output)[0]
    assert loader.differences(output.files[0].text, listed.text) == (
        f"set {name} lacks `192.0.2.0/24`",
        f"set {name} has `10.0.0.0/8`, which was not emitted",
    )


@IPTABLES
@pytest.mark.parametrize("tenth", range(10))
def test_a_file_that_breaks_off_leaves_no_rule_that_asks_an_empty_set(
    loader: Loader, scratch: Namespace, tmp_path: Path, tenth: int
) -> None:
    output = compiled(tmp_path, FIRST)
    sets, *rules = output.files
    cut = replace(sets, text=sets.text[: len(sets.text) * tenth // 10])
    with pytest.raises(Failure):
        loader.load(scratch, Output((cut, *rules)))
    assert not [file for file in loader.read_back(scratch, output)[1:] if "-m set" in file.text]


@IPTABLES
def test_sets_are_put_back_with_the_rules(loader: Loader, scratch: Namespace, tmp_path: Path) -> None:
    loader.load(scratch, compiled(tmp_path, FIRST))
    before = members(scratch)
    output = compiled(tmp_path, SECOND)
    broken = [
        replace(file, text=file.text.replace("-A INPUT ", "-A INPUT -j absent\n-A INPUT ", 1))
        if file.name == "rules.v6"
        else file
        for file in output.files
    ]
    with pytest.raises(Failure):
        loader.load(scratch, Output(tuple(broken)))
    assert members(scratch) == before


@IPTABLES
@pytest.mark.parametrize("ipset", list(IpsetUse))
def test_packets_fare_alike_whatever_groups_are(loader: Loader, tmp_path: Path, ipset: IpsetUse) -> None:
    wanted = [
        parse_test(one)
        for one in (
            "accept tcp 192.0.2.9:4000 -> host:22 in eth1",
            "accept tcp 203.0.113.6:4000 -> host:22 in eth0",
            "drop tcp 203.0.113.10:4000 -> host:22 in eth0",
            "drop tcp 192.0.2.9:4000 -> host:23 in eth1",
            "accept tcp 203.0.113.10:4000 -> host:23 in eth0",
            "accept tcp [2001:db8:113::9]:4000 -> host:22 in eth0",
            "drop tcp [2001:db8:113::9]:4000 -> host:23 in eth0",
        )
    ]
    with gateway() as namespace:
        loader.load(namespace, compiled(tmp_path, FIRST, ipset))
        fates = ask(namespace, [packet for _, packet in wanted])
    assert [one.verdict for one in fates] == [verdict for verdict, _ in wanted]
