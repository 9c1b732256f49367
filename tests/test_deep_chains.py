"""Chains that call each other thousands deep, and in 2**60 ways: the whole road, on which nothing hangs or breaks.

The kernel's nft follows 15 calls and takes no table with more; iptables-legacy follows any number.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from polc.cli.main import main
from polc.diagnostics import Collector
from polc.firewalls import read_firewall
from polc.lift.lift import lift
from polc.simulate import Fate, Simulator, assumed_host, read_packet

LONGEST = 60
"""Seconds of CPU for one: some twenty times what it takes."""


def saved(depth: int, ways: int = 1, word: str = "-j") -> str:
    """From INPUT to c0, and so on to the last, which drops; each calls the next in so many ways."""
    asked = ("-s 10.0.0.0/8", "-p tcp -m tcp --sport 1:60000")[:ways]
    lines = ["*filter", ":INPUT ACCEPT [0:0]", *(f":c{number} - [0:0]" for number in range(depth))]
    lines.append("-A INPUT -p tcp -j c0")
    for number in range(depth - 1):
        lines += [f"-A c{number} {one} {word} c{number + 1}" for one in asked]
    return "\n".join([*lines, f"-A c{depth - 1} -j DROP", "COMMIT", ""])


def listed(depth: int, ways: int = 1, word: str = "jump") -> str:
    """The same as nft's JSON."""
    place = {"family": "inet", "table": "t"}
    base = {"type": "filter", "hook": "input", "prio": 0, "policy": "accept"}
    items: list[object] = [{"table": {"family": "inet", "name": "t"}}, {"chain": {**place, "name": "input", **base}}]
    items += [{"chain": {**place, "name": f"c{number}"}} for number in range(depth)]
    asked: list[list[object]] = [
        [{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": field}}, "right": port}}]
        for field, port in (("sport", {"range": [1, 60000]}), ("dport", 22))
    ]
    rules = [("input", [{"jump": {"target": "c0"}}])]
    for number in range(depth - 1):
        rules += [(f"c{number}", [*one, {word: {"target": f"c{number + 1}"}}]) for one in asked[:ways]]
    rules.append((f"c{depth - 1}", [{"drop": None}]))
    return json.dumps({"nftables": [*items, *({"rule": {**place, "chain": at, "expr": one}} for at, one in rules)]})


FILES = {
    "deep": saved(2_000),
    "gone to": saved(2_000, word="-g"),
    "many ways": saved(60, ways=2),
    "nft, deep": listed(2_000),
    "nft, gone to": listed(2_000, word="goto"),
    "nft, many ways": listed(60, ways=2),
}


@pytest.mark.parametrize("name", FILES)
def test_the_road_of_translate(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rules"
    path.write_text(FILES[name])
    start = time.process_time()
    assert main(["translate", str(path), "--to", "nft", "-o", str(tmp_path / "ruleset.json")]) == 1
    told = capsys.readouterr().err
    assert "error[POL402]" in told
    assert "chains deep from `input`, and nft follows 15" in told
    assert not (tmp_path / "ruleset.json").exists()
    (tmp_path / "out").mkdir()
    assert main(["translate", str(path), "--to", "iptables", "-o", str(tmp_path / "out")]) == 0
    assert time.process_time() - start < LONGEST


@pytest.mark.parametrize("text", [saved(15), listed(15)], ids=["iptables", "nft"])
def test_what_nft_still_follows(text: str, tmp_path: Path) -> None:
    path = tmp_path / "rules"
    path.write_text(text)
    assert main(["translate", str(path), "--to", "nft", "-o", str(tmp_path / "ruleset.json")]) == 0


@pytest.mark.parametrize("name", FILES)
def test_the_simulator_and_the_policy(name: str, tmp_path: Path) -> None:
    path = tmp_path / "rules"
    path.write_text(FILES[name])
    firewall = read_firewall(str(path), Collector())
    host = assumed_host(firewall.rulesets, ["eth0"])
    start = time.process_time()
    outcome = Simulator(firewall.rulesets, host).send(read_packet("tcp 10.0.0.9:5 -> host:22 in eth0", host))
    if "ways" in name:
        assert outcome.fate is Fate.DROP
    else:
        assert outcome.fate is Fate.UNKNOWN
        assert "more than 100 chains deep" in outcome.reason
    lifted = lift(firewall.rulesets[0])
    assert lifted.text
    assert not lifted.refused
    assert time.process_time() - start < LONGEST
