"""`polc test --all`: the tests of policies, on each host of an inventory."""

from __future__ import annotations

from pathlib import Path

import pytest

from polc.cli.main import main

INVENTORY = """\
polc-inventory: 1
all: {include: base.yaml, variables: {port: 80}}
hosts:
  a:
  b: {variables: {port: 81}, policy: {tests: [accept tcp 192.0.2.9 -> host:81 in eth0]}}
"""
BASE = """\
polc: 1
input: {default: drop, rules: [use stateful, "accept tcp/${port} state new"]}
tests: ["accept tcp 192.0.2.9 -> host:80 in eth0", "drop tcp 192.0.2.9 -> host:22 in eth0"]
"""


def test_tests_of_files_run_on_each_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("inventory.yaml").write_text(INVENTORY)
    Path("base.yaml").write_text(BASE)
    assert main(["test", "--all", "-v"]) == 1
    out = capsys.readouterr().out
    failed = [line for line in out.splitlines() if "b: accept tcp 192.0.2.9 -> host:80 in eth0" in line]
    assert failed, out
    assert "a: accept tcp 192.0.2.9 -> host:80 in eth0" in out
    Path("inventory.yaml").write_text(INVENTORY.replace("port: 81", "port: 80-81"))
    assert main(["test", "--all"]) == 0
    assert "5 " in capsys.readouterr().out
    assert main(["test"]) == 2
    assert main(["test", "--all", "x", "y"]) == 2
