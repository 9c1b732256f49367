"""The versions lab around its trials (those are in kernel/test_atomic_load.py): building, reporting, the page."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from versions import generations, pythons, report, trials
from versions.generations import GENERATIONS, NotBuiltError
from versions.outputs import POLICIES
from versions.ways import WAYS

from polc.backends.profile import OLDEST


def debootstrap(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Have a script as debootstrap; its last arguments are the suite, the directory and the mirror."""
    for name, text in (("debootstrap", script), ("unshare", 'shift; exec "$@"')):
        program = folder / name
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("POLC_VERSIONS_CACHE", str(folder / "cache"))
    monkeypatch.setenv("POLC_DEBIAN_MIRROR", "http://mirror.example/debian")


def test_a_root_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    debootstrap(tmp_path, monkeypatch, f'mkdir "$4" && echo "$3 $5" >> {tmp_path}/calls')
    first = generations.root(GENERATIONS[0])
    assert first == tmp_path / "cache" / "bullseye"
    assert generations.root(GENERATIONS[0]) == first
    assert (tmp_path / "calls").read_text() == "bullseye http://mirror.example/debian\n"
    generations.root(GENERATIONS[0], anew=True)
    assert (tmp_path / "calls").read_text().count("bullseye") == 2
    monkeypatch.setattr(generations, "PACKAGES", ("nftables",))
    generations.root(GENERATIONS[0])
    assert (tmp_path / "calls").read_text().count("bullseye") == 3


def test_a_root_that_fails_leaves_nothing_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    debootstrap(tmp_path, monkeypatch, 'mkdir "$4"; echo "E: Failed getting release file" >&2; exit 1')
    with pytest.raises(NotBuiltError, match="E: Failed getting release file"):
        generations.root(GENERATIONS[0])
    assert [*(tmp_path / "cache").iterdir()] == []


def test_nothing_less_than_all_is_sound() -> None:
    (one, *_) = trials.trials(POLICIES[:1], WAYS, OLDEST)
    fine = trials.Result(one, {})
    row = report.Row("bookworm", "debian-12", tools={"nft": "1.0.6"}, results=[fine])
    python = report.PythonRow("3.12.1", "PyPI", 5, 5)
    assert report.Report([row], [python]).sound
    equal = replace(row, results=[fine, trials.Result(one, {"equal": ("chain `input` is missing",)})])
    loaded = replace(row, results=[fine, trials.Result(one, {"loaded": ("syntax error",)})])
    for bad in (equal, loaded, replace(row, losses=("x",)), replace(row, missing="no such suite", results=[])):
        assert not report.Report([bad], [python]).sound
    assert not report.Report([row], [replace(python, same=4, problem="other bytes: x")]).sound
    assert "| 2 | 2/2 | 1/2 | 2/2 | 2/2 |" in report.tables(report.Report([equal]))
    assert "| 2 | 1/2 | 1/2 | 1/2 | 1/2 |" in report.tables(report.Report([loaded]))
    assert "| not built |" in report.tables(report.Report([replace(row, missing="no such suite")]))


def test_outputs_of_pythons_are_compared_both_ways() -> None:
    one = pythons.Compiled("", "3.11.2", {"a": "1", "b": "2"})
    assert pythons.unlike(one, one) == ()
    assert pythons.unlike(one, replace(one, digests={"a": "1", "b": "3", "c": "4"})) == ("b", "c")
    assert pythons.unlike(replace(one, digests={}), one) == ("a", "b")


def test_the_last_result_is_of_everything_and_without_fault() -> None:
    _, _, result = report.PAGE.read_text().partition(report.BEGIN)
    rows = [line.strip("| ").split(" | ") for line in result.splitlines() if line.startswith("| ")]
    wanted = [(one.suite, profile.name) for one in GENERATIONS for profile in one.profiles]
    assert [(row[0], row[1]) for row in rows if row[0] in {suite for suite, _ in wanted}] == wanted
    for way in WAYS:
        assert sum(way.name in row for row in rows) == len(wanted)
    found = re.findall(r"(\d+)/(\d+)", result)
    assert len(found) > 4 * len(WAYS) * len(wanted)
    assert all(part == whole for part, whole in found)
    assert {row[0][:4] for row in rows} >= set(pythons.VERSIONS)
