"""Boot loads what is confirmed before the network is there, and leaves the host as asked where it cannot."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from machine import ADDRESS, STATE, Machine, pending, until

from polc.kernel.netns import stop

UNIT = (Path(__file__).parents[2] / "integrations" / "systemd" / "polc.service").read_text()
POLICY = """\
polc: 1
addresses: {{bad: [198.51.100.1, 203.0.113.0/24]}}
input:
  default: drop
  rules:
    - use stateful
    - use loopback
    - use icmp-essentials
    - drop from @bad
    - accept ssh state new
    - accept tcp/{port} state new
"""
OPTIONS = {"nft": (), "iptables": ("--target", "iptables", "--ipset", "always")}
OTHERS = ("nftables.service", "netfilter-persistent.service")
THEIRS = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 8003 -j DROP\nCOMMIT\n"
"""Rules that are netfilter-persistent's, in a table that no policy here has."""
KNOCK = f"""
import socket, sys, time
came = open(sys.argv[1], "a", buffering=1)
while True:
    for port in map(int, sys.argv[2:]):
        try:
            socket.create_connection(("{ADDRESS}", port), 0.02).close()
        except OSError:
            time.sleep(0.001)
        else:
            print(port, file=came)
"""


@pytest.fixture
def enabled(host: Machine) -> Machine:
    """The host with the unit enabled, and nothing of polc's."""
    host.run("systemctl", "disable", "--quiet", "polc.service", *OTHERS)
    host.run("systemctl", "reset-failed")
    host.do("rm", "-rf", STATE, "/etc/iptables/rules.v4")
    host.write("/etc/systemd/system/polc.service", UNIT)
    host.do("systemctl", "daemon-reload")
    host.do("systemctl", "enable", "--quiet", "polc.service")
    host.reboot()
    assert "chain" not in host.rules()
    assert all(host.comes_in(port) for port in (8001, 8002, 8003))
    return host


def coming_up(host: Machine, *ports: int) -> list[str]:
    """The ports at which the world comes in while the host reboots, and a second longer."""
    came = host.shared / "came"
    came.write_text("")
    knocking = host.outside.start([sys.executable, "-c", KNOCK, str(came), *map(str, ports)])
    try:
        host.reboot()
        until(lambda: host.comes_in(22), "the host is not there")
        time.sleep(1)
    finally:
        stop(knocking)
    return came.read_text().split()


@pytest.mark.parametrize("target", OPTIONS)
def test_the_ruleset_is_there_before_the_network(enabled: Machine, target: str) -> None:
    enabled.apply(POLICY.format(port=8001), *OPTIONS[target])
    before = enabled.rules()
    enabled.polc("persist")
    enabled.reboot()
    assert enabled.rules() == before
    loaded = enabled.moment("polc.service", "ActiveEnter")
    for unit, name in (
        ("network-pre.target", "ActiveEnter"), ("systemd-networkd.service", "ExecMainStart"),
        ("networking.service", "InactiveExit"), ("network.target", "ActiveEnter"),
    ):  # fmt: skip
        assert loaded <= enabled.moment(unit, name), unit
    assert enabled.property("polc.service", "Result") == "success"
    assert (enabled.comes_in(8001), enabled.comes_in(8002)) == (True, False)
    enabled.polc("status")


def test_no_packet_comes_before_the_ruleset(enabled: Machine) -> None:
    enabled.apply(POLICY.format(port=8001))
    # So the knocking can be heard: before boot loads anything, all of them are open.
    assert set(coming_up(enabled, 8001, 8002)) == {"8001", "8002"}
    enabled.apply(POLICY.format(port=8001))
    enabled.polc("persist")
    enabled.reboot()
    assert set(coming_up(enabled, 8001, 8002)) == {"8001"}


@pytest.mark.parametrize("target", OPTIONS)
@pytest.mark.parametrize("mode", ["closed", "open"])
def test_what_cannot_be_loaded_leaves_the_host_as_asked(enabled: Machine, mode: str, target: str) -> None:
    enabled.apply(POLICY.format(port=8001), *OPTIONS[target])
    enabled.polc("persist", "--on-failure", mode)
    files = enabled.do("find", f"{STATE}/boot/1", "-type", "f").split()
    for file in files:
        enabled.do("sed", "-i", "$ d", file)
        enabled.write(file, enabled.read(file) + "this is no rule\n")
    enabled.reboot()
    assert enabled.property("polc.service", "ActiveState") == "failed"
    assert f"the host stays {mode}" in enabled.do("journalctl", "--boot", "--no-pager", "--unit=polc.service")
    assert [enabled.comes_in(port) for port in (22, 8001, 8002)] == [mode == "open"] * 3
    itself = "import socket; socket.create_connection(('127.0.0.1', 22), 1)"
    enabled.do("python3", "-c", itself)

    # Whoever is at the console brings it back; while it could still go back by itself, the host stays closed.
    assert ("table inet polc_closed" in enabled.polc("plan", "/etc/polc/policy.yaml", *OPTIONS[target])) is (
        mode == "closed"
    )
    enabled.polc("apply", "/etc/polc/policy.yaml", *OPTIONS[target], "--confirm", "60")
    assert (enabled.comes_in(8001), enabled.comes_in(8002)) == (mode == "open", False)
    enabled.polc("confirm")
    assert (enabled.comes_in(8001), enabled.comes_in(8002)) == (True, False)
    enabled.reboot()
    assert enabled.property("polc.service", "ActiveState") == "active"
    assert (enabled.comes_in(8001), enabled.comes_in(8002)) == (True, False)


def test_what_takes_too_long_leaves_the_host_closed(enabled: Machine) -> None:
    enabled.apply(POLICY.format(port=8001))
    enabled.polc("persist")
    (file,) = enabled.do("find", f"{STATE}/boot/1", "-type", "f").split()
    enabled.do("sh", "-c", f"rm {file} && mkfifo {file}")  # whoever reads it waits
    enabled.write("/etc/systemd/system/polc.service.d/soon.conf", "[Service]\nTimeoutStartSec=2s\n")
    enabled.reboot()
    enabled.do("rm", "-r", "/etc/systemd/system/polc.service.d")
    assert enabled.property("polc.service", "Result") == "timeout"
    assert not any(enabled.comes_in(port) for port in (22, 8001, 8002))


@pytest.mark.parametrize("target", OPTIONS)
def test_beside_nftables_service_and_netfilter_persistent(enabled: Machine, target: str) -> None:
    layout = ("--layout", "coexist") if target == "iptables" else ()
    enabled.write("/etc/iptables/rules.v4", THEIRS)
    enabled.do("systemctl", "reenable", "--quiet", *OTHERS, "polc.service")
    enabled.apply(POLICY.format(port=8001), *OPTIONS[target], *layout)
    enabled.polc("persist")
    enabled.reboot()
    assert "flush ruleset" in enabled.read("/etc/nftables.conf")
    loaded = enabled.moment("polc.service", "ExecMainStart")
    assert all(enabled.moment(unit, "ActiveEnter") <= loaded for unit in OTHERS)
    assert "ordering cycle" not in enabled.do("journalctl", "--boot", "--no-pager")

    def held(after: str) -> None:
        # systemctl waits for the unit that it is told of, and not for what comes behind that.
        until(lambda: not enabled.comes_in(8002), f"{after}: the ruleset does not come back", 5)
        until(lambda: enabled.property("polc.service", "ActiveState") == "active", after, 5)
        assert enabled.comes_in(8001), after
        enabled.polc("status")

    held("boot")
    assert not enabled.comes_in(8003)
    assert "dport 8003" in enabled.rules(), "the rules of the other"
    for verb, unit in (("restart", OTHERS[0]), ("reload", OTHERS[0]), ("restart", OTHERS[1]), ("reload", OTHERS[0])):
        enabled.do("systemctl", verb, unit)
        held(f"{verb} {unit}")
    enabled.do("systemctl", "stop", "nftables.service")
    assert enabled.comes_in(8002), "it takes all tables away"
    enabled.do("systemctl", "start", "nftables.service")
    held("start")


def test_what_nobody_has_confirmed_is_not_loaded(enabled: Machine) -> None:
    enabled.apply(POLICY.format(port=8001))
    enabled.polc("persist")
    enabled.apply(POLICY.format(port=8002), "--confirm", "600")
    assert (enabled.comes_in(8001), enabled.comes_in(8002)) == (False, True)
    enabled.reboot()
    assert (enabled.comes_in(8001), enabled.comes_in(8002)) == (True, False)
    assert "restarted before entry 2 was confirmed" in enabled.run("polc", "status").stderr
    assert not pending(enabled)
