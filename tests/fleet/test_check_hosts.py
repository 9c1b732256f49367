"""`polc check --all`: what is told of an inventory's hosts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from polc.cli.main import main

BASE = """\
polc: 1
addresses: {shared: [192.0.2.1]}
input:
  default: drop
  rules:
    - use stateful
    - use loopback
    - use icmp-essentials
    - accept ssh
    - accept tcp/${port}
"""
INVENTORY = """\
polc-inventory: 1
all: {include: base.yaml, variables: {port: 80}}
hosts:
  a:
  b:
    policy:
      addresses: {own: [192.0.2.2]}
  c: {target: iptables, policy: {services: {mine: tcp/1}}}
"""


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("inventory.yaml").write_text(INVENTORY)
    Path("base.yaml").write_text(BASE)
    return tmp_path


def check(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    status = main(["check", *argv])
    told = capsys.readouterr()
    return status, told.out, told.err


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_finding_is_told_once_with_its_hosts(fleet: Path, capsys: pytest.CaptureFixture[str], jobs: str) -> None:
    status, out, _ = check(capsys, "--all", "--jobs", jobs)
    assert status == 1
    # What several hosts include one of them may use; what stands in the inventory nobody else has.
    assert out.count("POL309") == 2
    assert "`own`" in out
    assert "  = on b\n" in out
    assert "`mine`" in out
    assert "  = on c\n" in out
    assert check(capsys, "--host", "a") == (0, "", "")


def test_errors_of_all_hosts(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("base.yaml").write_text(BASE.replace("accept ssh", "accept shh"))
    status, out, _ = check(capsys, "inventory.yaml", "--all", "--output-format", "json")
    assert status == 2
    assert [one["code"] for one in json.loads(out)] == ["POL203"]


def test_what_a_target_lacks_is_an_error_unless_agreed(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rule = "policy: {input: {rules: [drop ssh state new hits 5 in 1m per source]}}"
    Path("inventory.yaml").write_text(INVENTORY.replace("  a:\n", f"  a:\n    {rule}\n"))
    status, out, _ = check(capsys, "--host", "a")
    assert status == 2
    assert "POL401" in out
    agreed = f"    {rule}\n    allow-approximate: [all]\n"
    Path("inventory.yaml").write_text(INVENTORY.replace("  a:\n", f"  a:\n{agreed}"))
    status, out, _ = check(capsys, "--host", "a")
    assert "POL401" not in out
    assert status != 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "no policy is named"),
        (("--all", "--host", "a"), "exclude each other"),
        (("--all", "x.yaml", "y.yaml"), "take one inventory"),
        (("--all", "--for", "debian-12"), "the inventory says"),
    ],
)
def test_wrong_usage(fleet: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str) -> None:
    status, _, err = check(capsys, *words)
    assert status == 2
    assert told in err
