"""What becomes of a packet whose sender may or may not hear of its rejection."""

from __future__ import annotations

from polc.diagnostics import Collector
from polc.firewalls import firewall_of
from polc.simulate.assumed import assumed_host
from polc.simulate.engine import Simulator
from polc.simulate.hooks import Loaded
from polc.simulate.packet_text import read_packet
from polc.source import SourceFile
from polc.testing.simulated import verdict, why

REJECTING = """polc: 1
input: {default: reject}
output:
  default: accept
  rules: [%s]
"""
NATIVE = "{native: {nft: 'meta cpu 0 drop', iptables: '-m cpu --cpu 0 -j DROP'}}"


def told(rules: str) -> tuple[str, str]:
    (ruleset,) = firewall_of(SourceFile("policy.yaml", REJECTING % rules), Collector()).rulesets
    host = assumed_host([ruleset], ["eth0"])
    packet = read_packet("udp 198.51.100.9:4000 -> 203.0.113.5:53 in eth0", host)
    outcome = Simulator([Loaded(ruleset)], host).send(packet)
    return verdict(outcome), why(outcome)


def test_an_answer_that_only_the_kernel_knows_of() -> None:
    seen, reason = told(NATIVE)
    assert seen == "unknown"
    assert reason.startswith("whether the answer gets out: ")


def test_an_answer_that_is_dropped_or_gets_out() -> None:
    assert told("drop icmp")[0] == "drop"
    assert told("drop tcp")[0] == "reject"
