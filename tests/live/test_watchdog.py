"""Who goes back: a timer of systemd where that runs, else a process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from polc.live import watchdog
from polc.live.records import clock
from polc.live.store import Store


def systemd_run(place: Path, status: int) -> str:
    """Stands in for the program: it notes its words, one a line."""
    program = place / "systemd-run"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{place}/asked\nexit {status}\n')
    program.chmod(0o755)
    return str(program)


def test_systemd_is_asked_for_a_timer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "_systemd_run", lambda: systemd_run(tmp_path, 0))
    monkeypatch.setattr(watchdog, "_start", lambda *arguments: pytest.fail("no process is needed beside it"))
    with Store(str(tmp_path / "state")) as store, watchdog.watch(store, 7, guard=False, deadline=clock() + 60):
        words = (tmp_path / "asked").read_text().splitlines()
    assert words[-5:] == [sys.executable, "-m", "polc.live.watchdog", str(tmp_path / "state"), "7"]
    (active,) = [float(one.partition("=")[2].rstrip("s")) for one in words if one.startswith("--on-active=")]
    assert 59 < active <= 60


@pytest.mark.parametrize("answer", ["none", "refused"])
def test_without_it_there_is_a_process(answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = systemd_run(tmp_path, 1) if answer == "refused" else None
    started: list[tuple[object, ...]] = []
    monkeypatch.setattr(watchdog, "_systemd_run", lambda: program)
    monkeypatch.setattr(watchdog, "_start", lambda *arguments: started.append(arguments))
    with Store(str(tmp_path / "state")) as store:
        with watchdog.watch(store, 7, guard=False, deadline=clock() + 60):
            assert started == [(store, 7, None)]
        with watchdog.watch(store, 8, guard=False, deadline=None):
            assert len(started) == 1, "nobody is needed where nothing is to be confirmed"
