"""Hosts side by side: each once, and no silence when a process dies."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from polc.diagnostics import Collector, Failure
from polc.fleet.model import Host
from polc.fleet.parallel import each
from polc.fleet.read import inventory_of
from polc.fleet.resolve import resolve
from polc.policy.library import Library
from polc.source import SourceFile


def hosts(number: int) -> list[Host]:
    text = "polc-inventory: 1\nhosts:\n" + "".join(f"  h{one}:\n" for one in range(number))
    read = inventory_of(SourceFile("inventory.yaml", text))
    return resolve(read, read.hosts, Collector())


@pytest.mark.parametrize("jobs", [1, 2, 7, 100])
def test_each_host_is_done_once(jobs: int) -> None:
    found = list(each(lambda host, library: host.name, hosts(50), jobs))
    assert sorted(found) == [(number, f"h{number}") for number in range(50)]


def test_no_hosts() -> None:
    assert list(each(lambda host, library: host.name, [], 4)) == []


def test_a_process_shares_its_library() -> None:
    libraries = {library for _, library in each(lambda host, library: (os.getpid(), id(library)), hosts(40), 2)}
    assert len(libraries) <= 2


def test_a_process_that_is_killed_is_told() -> None:
    def dies(host: Host, library: Library) -> str:
        if host.name == "h3":
            os.kill(os.getpid(), signal.SIGKILL)
        return host.name

    found: list[tuple[int, str]] = []
    with pytest.raises(Failure) as caught:
        found.extend(each(dies, hosts(20), 2))
    assert [one.code for one in caught.value.diagnostics] == ["POL087"]
    assert f"{20 - len(found)} of 20 hosts" in caught.value.diagnostics[0].message
    assert len(found) < 20


def test_an_error_in_a_process_is_the_callers() -> None:
    def fails(host: Host, library: Library) -> str:
        raise KeyError(host.name)

    with pytest.raises(KeyError):
        list(each(fails, hosts(5), 2))


def test_the_page_of_fleets_is_a_fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pages import ROOT, blocks

    from polc.cli.main import main

    monkeypatch.chdir(tmp_path)
    for block in blocks(ROOT / "docs" / "fleet.md"):
        if "file" in block.options:
            Path(block.options["file"]).write_text(block.text)
    assert main(["compile", "--all", "-o", "out"]) == 0
    assert main(["check", "--all"]) == 0
    assert "8443" in Path("out/web-2/ruleset.nft.json").read_text()
    assert "--dport 5432" in Path("out/db-1/rules.v4").read_text()
