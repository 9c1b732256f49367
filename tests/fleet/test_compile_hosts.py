"""`polc compile --all` and `--host`, as commands."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from polc.cli.main import main
from polc.cli.progress import Progress

INVENTORY = """\
polc-inventory: 1
all: {include: base.yaml, variables: {port: 80}}
hosts:
  web-1:
  web-2: {variables: {port: 81}}
  gate: {target: iptables}
"""
BASE = """\
polc: 1
input:
  default: drop
  rules: [use stateful, accept ssh state new, "accept tcp/${port} state new"]
"""


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("inventory.yaml").write_text(INVENTORY)
    Path("base.yaml").write_text(BASE)
    return tmp_path


def polc(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    status = main(["compile", *argv])
    told = capsys.readouterr()
    return status, told.out, told.err


def times(root: Path) -> dict[str, int]:
    return {str(one.relative_to(root)): one.stat().st_mtime_ns for one in root.rglob("*") if one.is_file()}


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_only_what_has_changed_is_written(fleet: Path, capsys: pytest.CaptureFixture[str], jobs: str) -> None:
    run = ("--all", "-o", "out", "--jobs", jobs)
    assert polc(capsys, *run) == (0, "3 hosts: 3 written, 0 unchanged\n", "")
    first = times(fleet / "out")
    assert set(first) == {"web-1/ruleset.nft.json", "web-2/ruleset.nft.json", "gate/rules.v4", "gate/rules.v6"}
    assert polc(capsys, *run) == (0, "3 hosts: 0 written, 3 unchanged\n", "")
    assert times(fleet / "out") == first

    Path("inventory.yaml").write_text(INVENTORY.replace("port: 81", "port: 82"))
    assert polc(capsys, *run, "--check") == (
        1, "would change: web-2: ruleset.nft.json\n3 hosts: 1 would change, 2 unchanged\n", "",
    )  # fmt: skip
    assert times(fleet / "out") == first
    assert polc(capsys, *run)[:2] == (0, "3 hosts: 1 written, 2 unchanged\n")
    assert {name for name, when in times(fleet / "out").items() if when != first[name]} == {"web-2/ruleset.nft.json"}


def test_a_host_by_itself_is_the_same_as_with_the_others(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    polc(capsys, "--all", "-o", "out")
    status, out, _ = polc(capsys, "--host", "web-2")
    assert (status, out) == (0, (fleet / "out/web-2/ruleset.nft.json").read_text())
    status, out, _ = polc(capsys, "inventory.yaml", "--host", "gate", "--only", "rules.v4")
    assert (status, out) == (0, (fleet / "out/gate/rules.v4").read_text())
    assert polc(capsys, "--host", "web-*", "-o", "some")[1] == "2 hosts: 2 written, 0 unchanged\n"
    assert times(fleet / "some").keys() == {"web-1/ruleset.nft.json", "web-2/ruleset.nft.json"}


def test_the_command_line_comes_before_the_inventory(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert polc(capsys, "--host", "web-1", "--format", "text")[1].startswith("add table inet polc")
    status, _, _ = polc(capsys, "--all", "--target", "iptables", "-o", "out")
    assert status == 0
    assert {name.partition("/")[2] for name in times(fleet / "out")} == {"rules.v4", "rules.v6"}


def test_a_flat_policy_compiles_to_the_same(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    polc(capsys, "--all", "--flatten", "-o", "flat")
    _, wanted, _ = polc(capsys, "--host", "web-2", "--format", "text")
    status, out, _ = polc(capsys, "flat/web-2/policy.yaml", "--target", "nft", "--format", "text")
    assert status == 0

    def rules(text: str) -> list[str]:
        return [line.partition(" comment ")[0] for line in text.splitlines()]

    assert rules(out) == rules(wanted)


def test_what_nobody_writes_any_more_is_told(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    polc(capsys, "--all", "-o", "out")
    Path("inventory.yaml").write_text(INVENTORY.replace("web-2", "web-3").replace("iptables", "nft"))
    status, out, _ = polc(capsys, "--all", "-o", "out")
    assert status == 0
    assert out == (
        "stale: out/gate/rules.v4\nstale: out/gate/rules.v6\nstale: out/web-2\n"
        "3 hosts: 2 written, 1 unchanged, 3 stale\n"
    )
    assert (fleet / "out/web-2/ruleset.nft.json").exists(), "told, and not deleted"
    assert polc(capsys, "--all", "-o", "out", "--check")[0] == 1


def test_hosts_with_errors_keep_their_files_and_others_get_theirs(
    fleet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    polc(capsys, "--all", "-o", "out")
    before = times(fleet / "out")
    Path("inventory.yaml").write_text(INVENTORY.replace("port: 80}", "port: http}").replace("port: 81", "port: 82"))
    status, out, err = polc(capsys, "--all", "-o", "out")
    assert status == 2
    assert out == "3 hosts: 1 written, 0 unchanged, 2 with errors\n"
    after = times(fleet / "out")
    assert {name for name, when in after.items() if when != before[name]} == {"web-2/ruleset.nft.json"}
    assert err.count("error[") == 1, "once for both"
    assert "  --> base.yaml:4:" in err
    assert "  = on gate, web-1\n" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--all",), "--all takes -o"),
        (("--all", "--host", "web-1", "-o", "out"), "exclude each other"),
        (("--host", "web-*"), "2 hosts cannot go to standard output"),
        (("--host", "gate"), "the files are rules.v4, rules.v6"),
        (("--host", "nobody"), "POL086"),
        (("--all", "-o", "out", "--for", "host"), "measures this host"),
        (("--all", "-o", "out", "--report", "r"), "--report is for one policy"),
        (("--all", "-o", "out", "--flatten", "--target", "nft"), "--flatten is for no target"),
        (("--all", "-o", "out", "--only", "rules.v4"), "--only is for one file"),
        (("--all", "-o", ""), "-o names no directory"),
        (("--host", "web-1", "--check"), "--check takes -o"),
        (("--all", "-o", "out", "--target", "nft", "--format", "restore"), "written as json or text"),
        (("base.yaml", "--target", "nft", "--check"), "for the hosts of an inventory"),
        (("base.yaml",), "--target is missing"),
        ((), "no policy is named"),
    ],
)
def test_wrong_usage(fleet: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str) -> None:
    status, out, err = polc(capsys, *words)
    assert status == 2
    assert told in err
    assert not out
    assert not (fleet / "out").exists()


def test_the_bar_fits_its_terminal() -> None:
    bar = Progress(1000, "hosts")
    bar.done = 500
    assert bar.line(80) == f"[{'#' * 20}{'.' * 20}] 500/1000 hosts"
    assert all(len(bar.line(columns)) < max(columns, 2) for columns in range(1, 100))


def test_a_terminal_sees_a_bar_and_a_pipe_does_not(fleet: Path) -> None:
    argv = [sys.executable, "-m", "polc", "compile", "--all", "-o", "out"]
    piped = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert piped.stderr == ""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=theirs, check=True)
        os.close(theirs)
        shown = terminal.read(10000).decode()
    assert done.stdout == b"3 hosts: 0 written, 3 unchanged\n"
    assert "3/3 hosts" in shown
    assert shown.endswith("\r\x1b[K"), "the bar goes away"
