"""Every node of the IR, at a packet's every way: it is known, and looking on changes nothing."""

from __future__ import annotations

import pytest
from node_samples import SAMPLES, Sample
from play import host

from polc.simulate import Flavour, Loaded, Outcome, Settings, Simulator, read_step
from polc.simulate.describe import field_of, wanted
from polc.simulate.report_json import outcome_json
from polc.simulate.report_text import report
from polc.source import SourceFile

GATEWAY = host(
    "lo, eth0 203.0.113.1/24 2001:db8:113::1/64, eth1 192.0.2.1/24 2001:db8:2::1/64, 0.0.0.0/0 via eth0, ::/0 via eth0"
)
STEPS = (
    "tcp 192.0.2.9:4000 -> 203.0.113.1:80 in eth0",
    "reply",
    "tcp 192.0.2.9:4000 -> 198.51.100.7:80 in eth1 out eth0",
    "reply",
    "udp 192.0.2.9:53 -> 198.51.100.7:53 in eth1 out eth0 ttl 9 mark 1",
    "tcp host:80 -> 198.51.100.9:80 out eth0",
    "tcp [2001:db8::9]:80 -> [2001:db8:113::1]:8003 in eth0",
    "wait 70s",
    "icmpv6/128 2001:db8::9 -> 2001:db8:5::1 in eth1 out eth0",
    "udp 127.0.0.1:1 -> 127.0.0.1:80 out lo",
    "icmpv6/2 2001:db8::9 -> 2001:db8:113::1 in eth0",
    "esp 192.0.2.9 -> 203.0.113.1 in eth0 spi 1",
)


def _played(sample: Sample, flavour: Flavour, *, traced: bool) -> list[Outcome]:
    simulator = Simulator([Loaded(sample.ruleset(), flavour)], GATEWAY, Settings(seed=3))
    found = []
    for words in STEPS:
        step = read_step(words, SourceFile("step", words).span).step(GATEWAY)
        outcome = simulator.do(step, simulator.tracer() if traced else None)
        if outcome is not None:
            found.append(outcome)
    return found


@pytest.mark.parametrize("name", SAMPLES)
def test_every_node_is_known(name: str) -> None:
    sample = SAMPLES[name]
    for flavour in Flavour:
        quietly = _played(sample, flavour, traced=False)
        assert quietly == _played(sample, flavour, traced=True)
        for outcome in quietly:
            assert report(outcome)
            assert outcome_json(outcome)["packet"]


@pytest.mark.parametrize("name", SAMPLES)
def test_every_match_is_described(name: str) -> None:
    for match in SAMPLES[name].rule.matches:
        for family in SAMPLES[name].rule.families:
            assert field_of(match)
            assert wanted(match, family)
