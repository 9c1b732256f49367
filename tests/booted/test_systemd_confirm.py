"""`apply --confirm` where systemd runs: its timer goes back, whatever has become of whoever applied."""

from __future__ import annotations

import json
import time

import pytest
from machine import Machine, pending, until

POLICY = """\
polc: 1
input:
  default: drop
  rules: [use stateful, use loopback, use icmp-essentials, accept ssh state new, accept tcp/{port} state new]
"""
APPLY = "polc apply /etc/polc/second.yaml --confirm 5"


@pytest.fixture
def applied(host: Machine) -> Machine:
    """The host with port 8001 open for good."""
    assert host.do("readlink", "/proc/1/exe").strip().endswith("/lib/systemd/systemd")
    host.apply(POLICY.format(port=8001))
    host.write("/etc/polc/second.yaml", POLICY.format(port=8002))
    assert (host.comes_in(8001), host.comes_in(8002)) == (True, False)
    return host


def timers(machine: Machine) -> list[str]:
    units = json.loads(machine.do("systemctl", "list-units", "--all", "--output=json", "polc-confirm-*"))
    return [one["unit"] for one in units if one["unit"].endswith(".timer")]


def processes(machine: Machine) -> str:
    return machine.run("pgrep", "-fa", "polc").stdout


@pytest.mark.parametrize("end", ["it ends", "kill -9"])
def test_what_nobody_confirms_goes_back_by_the_timer(applied: Machine, end: str) -> None:
    # A service, because systemd ends all that it has started with it: no process can stay that would go back.
    command = APPLY if end == "it ends" else f"{APPLY}; exec sleep 600"
    begun = time.monotonic()
    applied.do("systemd-run", "--quiet", "--collect", "--unit=admin", "sh", "-c", command)
    until(lambda: pending(applied), "it has not applied")
    until(lambda: applied.comes_in(8002), "it has not applied")
    if end == "kill -9":
        applied.do("systemctl", "kill", "--signal=KILL", "admin.service")
    until(lambda: applied.run("systemctl", "is-active", "admin.service").stdout.strip() == "inactive", "it goes on")
    assert processes(applied) == ""
    assert len(timers(applied)) == 1
    assert pending(applied)
    assert (applied.comes_in(8001), applied.comes_in(8002)) == (False, True)

    until(lambda: applied.comes_in(8001), "nobody goes back")
    assert 4 < time.monotonic() - begun < 12
    assert not applied.comes_in(8002)
    assert not pending(applied)
    until(lambda: not timers(applied), "the timer stays", 5)
    assert "was not confirmed in time" in applied.do("journalctl", "--no-pager", "--identifier=polc")
    applied.polc("status", "/etc/polc/policy.yaml")


def test_what_is_confirmed_stays(applied: Machine) -> None:
    applied.do("sh", "-c", APPLY)
    assert len(timers(applied)) == 1
    applied.polc("confirm")
    until(lambda: not timers(applied), "the timer stays", 15)
    assert (applied.comes_in(8001), applied.comes_in(8002)) == (False, True)
    applied.polc("status", "/etc/polc/second.yaml")
