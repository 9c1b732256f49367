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
    assert enabled.run("ping", "-c1", "-W1", "127.0.0.1").returncode in (0, 127), "itself it still reaches"

    # Whoever comes to the console brings back what was confirmed.
    enabled.polc("apply", "/etc/polc/policy.yaml", *OPTIONS[target])
    enabled.polc("persist", "--on-failure", mode)
    assert (enabled.comes_in(8001), enabled.comes_in(8002)) == (True, False)


@pytest.mark.parametrize("target", OPTIONS)
def test_beside_nftables_service_and_netfilter_persistent(enabled: Machine, target: str) -> None:
    enabled.write("/etc/iptables/rules.v4", THEIRS)
    enabled.do("systemctl", "enable", "--quiet", *OTHERS)
    enabled.apply(POLICY.format(port=8001), *OPTIONS[target])
    enabled.polc("persist")

    def judged() -> list[bool]:
        return [enabled.comes_in(port) for port in (8001, 8002, 8003)]

    enabled.reboot()
    assert "flush ruleset" in enabled.read("/etc/nftables.conf")
    loaded = enabled.moment("polc.service", "ExecMainStart")
    assert all(enabled.moment(unit, "ActiveEnter") <= loaded for unit in OTHERS)
    assert judged() == [True, False, False]
    assert "dport 8003" in enabled.rules(), "the other's rules"
    enabled.polc("status")

    for verb in ("restart", "reload"):
        for _ in range(3):
            enabled.do("systemctl", verb, "nftables.service")
            assert judged() == [True, False, False], verb
            enabled.polc("status")
    enabled.do("systemctl", "restart", "netfilter-persistent.service")
    assert judged() == [True, False, False]
    enabled.do("systemctl", "stop", "nftables.service")
    enabled.do("systemctl", "start", "nftables.service")
    assert judged()[:2] == [True, False]


def test_what_nobody_has_confirmed_is_not_loaded(enabled: Machine) -> None:
    enabled.apply(POLICY.format(port=8001))
    enabled.polc("persist")
    enabled.apply(POLICY.format(port=8002), "--confirm", "600")
    assert (enabled.comes_in(8001), enabled.comes_in(8002)) == (False, True)
    enabled.reboot()
    assert (enabled.comes_in(8001), enabled.comes_in(8002)) == (True, False)
    assert "restarted before entry 2 was confirmed" in enabled.run("polc", "status").stderr
    assert not pending(enabled)
