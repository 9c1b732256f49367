"""kill -9 at every step of `polc apply`: the kernel holds the old or the new ruleset, and the next command says so."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from firewall import ROADS, Firewall, Ran

OLD = """\
polc: 1
addresses:
  bad: [198.51.100.1, 198.51.100.77, 203.0.113.0/25]
input:
  default: drop
  rules: [use stateful, use loopback, drop from @bad, accept ssh state new counter]
nat:
  - masquerade from 192.0.2.0/24
"""
NEW = """\
polc: 1
addresses:
  bad: [198.51.100.1, 203.0.113.128/25, 198.51.100.0/28, 192.0.2.7]
  more: [192.0.2.99, 192.0.2.101, 192.0.2.103, 192.0.2.105]
input:
  default: drop
  rules: [use stateful, use loopback, accept tcp/8080, drop from @bad, drop from @more, accept ssh state new counter]
nat:
  - masquerade from 198.51.100.0/24
"""
EVERY = os.environ.get("POLC_EVERY_FAULT") == "1"
"""All steps on each road, each also with a delay; else all on nft, and a third of them elsewhere."""

_road = pytest.mark.parametrize(
    "road", [pytest.param(one, marks=pytest.mark.kernel(one, "nat", "ipset"), id=one) for one in ROADS]
)


def options(road: str) -> tuple[str, ...]:
    return () if road == "nft" else ("--ipset", "always")


@contextmanager
def alone(firewall: Firewall) -> Iterator[None]:
    """While nobody else, such as the guard, is at it."""
    with open(firewall.kept / "lock") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def settled(firewall: Firewall, one: str, other: str) -> str:
    """What the kernel holds once nobody is at it any more: a program that was running goes on to its end and keeps the
    lock until then, and the guard of iptables needs no command to go back.
    """
    deadline = time.monotonic() + 10
    while True:
        with alone(firewall):
            found = firewall.holds()
        if found in (one, other) or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return found


@_road
def test_at_every_step_it_is_the_old_or_the_new(road: str, tmp_path: Path) -> None:
    with Firewall(tmp_path, road) as firewall:
        assert firewall.apply(OLD, *options(road)).status == 0
        old = firewall.holds()
        whole = firewall.apply(NEW, *options(road))
        assert whole.status == 0, whole.output
        new = firewall.holds()
        assert old != new
        steps = len(whole.events)
        assert steps >= 20, whole.events

        outcomes = set()
        for step in range(1, steps + 1):
            if road != "nft" and step % 3 and not EVERY:
                continue
            for later in (0.0, 0.002) if whole.events[step - 1].startswith("run ") or EVERY else (0.0,):
                if firewall.holds() != old:
                    assert firewall.apply(OLD, *options(road)).status == 0
                    assert firewall.holds() == old
                killed = firewall.apply(NEW, *options(road), kill=step, later=later)
                where = f"step {step} of {steps}, {whole.events[step - 1]}, {later} s later"
                if killed.status >= 0:
                    assert later, where
                    continue
                outcomes.add(check(firewall, old, new, where))
        assert outcomes >= {"old", "new"}


def check(firewall: Firewall, old: str, new: str, where: str) -> str:
    found = settled(firewall, old, new)
    assert found in (old, new), f"{where}: a mixture\n{found}"
    with alone(firewall):
        state = firewall.state()
    begun = state["pending"] is not None or state["untold"]
    following = firewall.polc("history")
    assert following.status == 0, (where, following.output)
    assert ("recovered: " in following.output) == bool(begun), (where, following.output)
    state = firewall.state()
    assert state["pending"] is None, where
    assert firewall.holds() == found, f"{where}: a command that only lists has changed something"
    assert not state["untold"], "it is told once"
    return "old" if found == old else "new"


@pytest.mark.kernel("nft")
def test_killed_while_it_would_have_to_be_confirmed(tmp_path: Path) -> None:
    """Whoever asks for a confirmation and is killed has a way back all the same, without any command."""
    with Firewall(tmp_path) as firewall:
        assert firewall.apply(OLD).status == 0
        old = firewall.holds()
        trial: Ran = firewall.apply(NEW, "--confirm", "60")
        firewall.polc("rollback")
        change = next(at for at, event in enumerate(trial.events, 1) if event.endswith("nft -j -f -"))
        killed = firewall.apply(NEW, "--confirm", "2", kill=change + 1)
        assert killed.status == -9
        assert firewall.holds() != old
        deadline = time.monotonic() + 10
        while firewall.holds() != old and time.monotonic() < deadline:
            time.sleep(0.1)
        assert firewall.holds() == old
        assert "not confirmed in time" in firewall.polc("history").output
