"""The approximation of hit counts does in the kernel what its message says: measured with datagrams over loopback."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from nft_help import from_interfaces, numbers, ruleset, text

from polc.ir.matches import PortTerm, ServiceMatch
from polc.ir.protocols import UDP
from polc.ir.ruleset import Rule
from polc.ir.stateful import Hits, KeyField, KeyPart
from polc.ir.verdicts import Accept, Drop
from polc.kernel.netns import Namespace

PROBE = """
import json, socket, sys, time
script = json.loads(sys.argv[1])
receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.bind(("127.0.0.1", 9))
receiver.settimeout(0.05)
got = []
for source, count, pause in script:
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind((source, 0))
    arrived = 0
    for _ in range(count):
        sender.sendto(b"x", ("127.0.0.1", 9))
        try:
            receiver.recv(9)
            arrived += 1
        except TimeoutError:
            pass
    got.append(arrived)
    time.sleep(pause)
print(json.dumps(got))
"""
ONE, OTHER, NEIGHBOUR = "127.0.0.2", "127.1.0.2", "127.0.0.3"


def arrivals(
    scratch: Namespace, tmp_path: Path, key: KeyPart, refresh: bool, *script: tuple[str, int, float]
) -> list[int]:
    """How many datagrams of each ``(source, count, pause after)`` get past "4 hits in 2 seconds"."""
    probe = ServiceMatch((PortTerm(UDP, dport=numbers(9)),))
    rules = ruleset(
        (Rule((probe, Hits(4, 2, key, refresh, "h")), Drop()), Rule((probe, from_interfaces("lo")), Accept()))
    )
    path = tmp_path / "rules.json"
    path.write_text(text(rules))
    for command in (["ip", "link", "set", "lo", "up"], ["nft", "-j", "-f", str(path)]):
        done = scratch.run(command)
        assert done.returncode == 0, done.stderr
    done = scratch.run([sys.executable, "-c", PROBE, json.dumps(script)])
    assert done.returncode == 0, done.stderr
    found: list[int] = json.loads(done.stdout)
    return found


@pytest.mark.kernel("nft")
def test_excess_is_blocked_and_quiet_ends_it(scratch: Namespace, tmp_path: Path) -> None:
    source = KeyPart(KeyField.SOURCE)
    got = arrivals(scratch, tmp_path, source, False, (ONE, 8, 0.0), (OTHER, 3, 2.3), (ONE, 3, 0.0))
    assert got == [3, 3, 3]


@pytest.mark.kernel("nft")
def test_refresh_blocks_for_as_long_as_it_goes_on(scratch: Namespace, tmp_path: Path) -> None:
    steady = [(ONE, 1, 0.8)] * 4
    got = arrivals(
        scratch, tmp_path, KeyPart(KeyField.SOURCE), True, (ONE, 6, 0.8), *steady, (ONE, 0, 1.6), (ONE, 3, 0.0)
    )
    assert got == [3, 0, 0, 0, 0, 0, 3]


@pytest.mark.kernel("nft")
def test_without_refresh_a_steady_source_gets_through_again(scratch: Namespace, tmp_path: Path) -> None:
    steady = [(ONE, 1, 0.8)] * 4
    got = arrivals(scratch, tmp_path, KeyPart(KeyField.SOURCE), False, (ONE, 6, 0.8), *steady)
    assert got[0] == 3
    assert got[1] == 0
    assert got[4] == 1


@pytest.mark.kernel("nft")
def test_a_network_is_counted_as_one(scratch: Namespace, tmp_path: Path) -> None:
    network = KeyPart(KeyField.SOURCE, 24, 64)
    got = arrivals(scratch, tmp_path, network, False, (ONE, 2, 0.0), (NEIGHBOUR, 4, 0.0), (OTHER, 3, 0.0))
    assert got == [2, 1, 3]
