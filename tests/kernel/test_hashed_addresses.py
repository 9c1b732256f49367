"""Of several addresses of `snat` and `dnat` the kernel takes one by a hash of the packet's ends; so does polc."""

from __future__ import annotations

from pathlib import Path

import pytest
from compiled import load
from gateway import ask, gateway
from packet_text import GATEWAY, parse_test, simulated

from polc.diagnostics import Collector
from polc.kernel.loaders import LOADERS
from polc.policy import read_policy
from polc.simulate import Loaded, Simulator

POLICY = """\
polc: 1
zones: {wan: eth0, lan: eth1}
input: {default: accept}
forward: {default: accept}
output: {default: accept}
nat:
"""
RULES = [
    "snat udp to wan -> 203.0.113.8-203.0.113.14",
    "snat udp to wan -> 203.0.113.8-203.0.113.14 persistent",
    "dnat udp from lan -> 198.51.100.8-198.51.100.14",
    "dnat udp from lan -> 198.51.100.8-198.51.100.14 persistent",
    "snat udp to wan -> 203.0.113.8-203.0.113.14:4000-4100",
]
PACKETS = [
    parse_test(f"accept udp 192.0.2.{9 + number % 3}:{1000 + number} -> 198.51.100.{40 + number}:53 in eth1")[1]
    for number in range(24)
]


def test_there_is_more_than_one_choice() -> None:
    assert len({packet.destination for packet in PACKETS}) == len(PACKETS)


@pytest.mark.kernel("nft", "conntrack", "nat")
@pytest.mark.parametrize("rule", RULES)
def test_the_simulator_chooses_the_address_that_the_kernel_chooses(rule: str, tmp_path: Path) -> None:
    policy = POLICY + f"  - {rule}\n"
    with gateway() as namespace:
        load(LOADERS[0], namespace, policy, tmp_path)
        seen = [sorted(fate.ends) for fate in ask(namespace, PACKETS)]
    simulator = Simulator([Loaded(read_policy(str(tmp_path / "policy.yaml"), Collector()))], GATEWAY)
    found = []
    for number, packet in enumerate(PACKETS):
        leaves = simulator.send(simulated(packet, number)).leaves
        assert leaves is not None
        found.append([f"{leaves.end(source=True)} -> {leaves.end(source=False)}"])
    with_ports = ":4000-" in rule
    assert [_addresses(one) for one in found] == [_addresses(one) for one in seen] if with_ports else found == seen
    assert len({str(_addresses(one)) for one in seen}) > 1


def _addresses(ends: list[str]) -> list[list[str]]:
    return [[end.rpartition(":")[0] for end in one.split(" -> ")] for one in ends]
