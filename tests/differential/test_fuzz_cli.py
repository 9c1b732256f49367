"""``polc fuzz``: what it says, what it writes, and how it ends."""

from __future__ import annotations

import gc
import json
import shlex
from pathlib import Path

import pytest

from polc.cli.main import main
from polc.diagnostics import Failure
from polc.fuzzing import judge, run
from polc.fuzzing.coverage import universe
from polc.fuzzing.model import Check, Finding, Judged
from polc.simulate import matching

ALL = pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "conntrack", "hashlimit", "recent", "nat")
WORDS = ("fuzz", "--seed", "13")
"""A seed whose first cases are all as expected."""
LOADED = pytest.mark.kernel("nft")


@ALL
def test_some_cases_are_all_as_expected(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["fuzz", "--seed", "13", "--cases", "20", "--output-format", "json"])
    found = json.loads(capsys.readouterr().out)
    assert status == 0, found["findings"]
    assert found["cases"] == 20
    assert found["seed"] == 13
    assert set(found["packets"]) == {"nft", "iptables-nft", "iptables-legacy"}
    assert sum(found["packets"].values()) > 500
    assert found["points"] > 100
    assert found["proven"] > 10
    assert set(found["constructs"]) | set(found["never"]) == universe()
    assert not set(found["constructs"]) & set(found["never"])
    assert any(one["met"] for one in found["constructs"].values())
    assert found["findings"] == []


@LOADED
def test_the_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*WORDS, "--cases", "4", "--of", "policy", "--loader", "nft", "--packets", "10"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("seed 13: 4 cases (4 policy.yaml) in ")
    assert any(line.startswith("nft: ") and line.endswith(" packets") for line in lines)
    assert any(line.startswith("constructs: ") for line in lines)
    assert any(line.startswith("never in a rule: ") for line in lines)
    assert lines[-1] == "nothing found"


@LOADED
def test_it_ends_in_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*WORDS, "--seconds", "0.1", "--loader", "nft", "--output-format", "json"]) == 0
    assert 1 <= json.loads(capsys.readouterr().out)["cases"] < 5


@LOADED
def test_what_cases_leave_behind_is_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of one command has switched the collector off."""
    collecting: list[bool] = []
    monkeypatch.setattr(run, "judge", lambda case, asked: collecting.append(gc.isenabled()) or Judged())
    gc.disable()
    try:
        assert main([*WORDS, "--cases", "1", "--loader", "nft"]) == 0
    finally:
        gc.enable()
    assert collecting == [True]


@ALL
def test_a_finding_is_written_and_shown_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A simulator that does not know ports: in a case of few rules, which is found again by what is written."""
    right = matching._service
    monkeypatch.setattr(matching, "_service", lambda term: right(type(term)(term.protocol, *_off_by_one(term))))
    words = ["fuzz", "--seed", "3", "--of", "policy", "--loader", "iptables-legacy", "--findings", "1"]
    assert main([*words, "--cases", "60", "--write", str(tmp_path)]) == 1
    told = capsys.readouterr().out
    (directory,) = tmp_path.iterdir()
    assert {one.name for one in directory.iterdir()} >= {"policy.yaml", "replay.txt"}
    text = (directory / "policy.yaml").read_text()
    assert text.count("    - ") <= 2, text
    assert "    polc: 1" in told
    assert "1 findings" in told
    if directory.name.endswith("-kernel"):
        commands = [line for line in (directory / "replay.txt").read_text().splitlines() if line.startswith("polc ")]
        assert len(commands) == 2
        packets = json.loads((directory / "probes.json").read_text())["scenes"][0]["probes"]
        assert len(packets) <= 2
        for command in commands:
            assert main(shlex.split(command)[1:]) == 1, command
        monkeypatch.undo()
        assert main(shlex.split(commands[0])[1:]) == 0


def _off_by_one(term: object) -> tuple[object, ...]:
    from polc.ir.intervals import Intervals
    from polc.ir.matches import PortTerm

    if not isinstance(term, PortTerm):
        return (term.type, term.code)  # type: ignore[attr-defined]
    ports = term.dport
    return (term.sport, ports and Intervals(tuple((low, min(high + 1, 65535)) for low, high in ports.ranges)))


def test_the_same_is_told_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Of three loaders that show one thing, and of cases that come to one."""
    from polc.fuzzing.case import Case, Kind

    def three(case: Case, asked: judge.Asked) -> Judged:
        return Judged([Finding(Check.LOAD, one.name, "no") for one in asked.loaders])

    def alike(seed: int, number: int, among: object) -> Case:
        return Case(Kind.POLICY, ())

    monkeypatch.setattr(run, "judge", three)
    monkeypatch.setattr(run, "generate", alike)
    monkeypatch.setattr("polc.cli.fuzz.LOADERS", run_loaders())
    assert main(["fuzz", "--cases", "3"]) == 1
    told = capsys.readouterr().out
    assert told.count("a tool refuses what polc wrote") == 1
    assert "and the same by two, three" in told


def run_loaders() -> tuple[object, ...]:
    class Any:
        target = "nft"

        def __init__(self, name: str) -> None:
            self.name = name

        def check(self) -> None:
            pass

    return tuple(Any(name) for name in ("one", "two", "three"))


def test_a_machine_that_cannot(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*_: object) -> Judged:
        raise Failure.of("POL602", "no namespaces")

    monkeypatch.setattr(run, "judge", refused)
    monkeypatch.setattr("polc.cli.fuzz.LOADERS", run_loaders())
    assert main(["fuzz", "--cases", "1"]) == 3
    assert "POL602" in capsys.readouterr().err


def test_whoever_interrupts_it_gets_what_there_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> Judged:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "judge", interrupted)
    monkeypatch.setattr("polc.cli.fuzz.LOADERS", run_loaders())
    assert main(["fuzz"]) == 0
    assert "stopped" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["--cases", "0"], ["--packets", "0"], ["--findings", "0"], ["--first", "0"], ["--seconds", "0"],
        ["--target", "nft", "--loader", "iptables-legacy"],
    ],
)  # fmt: skip
def test_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fuzz", *words]) == 2
    assert "polc fuzz: " in capsys.readouterr().err
