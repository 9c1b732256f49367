"""Every kind of file that is a firewall is simulated: what becomes of a packet is the same in all of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from polc.cli.main import main
from polc.diagnostics import Collector, Failure
from polc.firewalls import read_firewall

POLICY = "polc: 1\ninput: {default: drop, rules: [use stateful, accept tcp/22 state new]}\n"
SCRIPT = "#!/bin/sh\niptables -P INPUT DROP\niptables -A INPUT -p tcp --dport 22 -m state --state NEW -j ACCEPT\n"
PACKET = "tcp 198.51.100.9 -> host:{} in eth0"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    policy, script = tmp_path / "policy.yaml", tmp_path / "firewall.sh"
    policy.write_text(POLICY)
    script.write_text(SCRIPT)
    assert main(["compile", str(policy), "--target", "nft", "-o", str(tmp_path / "rules.json")]) == 0
    assert main(["compile", str(policy), "--target", "iptables", "-o", str(tmp_path / "out")]) == 0
    return {"policy": policy, "json": tmp_path / "rules.json", "save": tmp_path / "out/rules.v4", "script": script}


@pytest.mark.parametrize("kind", ["policy", "json", "save", "script"])
def test_each_kind(kind: str, files: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    verdicts = []
    for port in (22, 23):
        assert main(["simulate", str(files[kind]), "--packet", PACKET.format(port), "--output-format", "json"]) == 0
        (one,) = json.loads(capsys.readouterr().out)
        verdicts.append(one["fate"])
    assert verdicts == ["accept", "drop"]


@pytest.mark.parametrize("kind", ["save", "script"])
def test_a_trace_has_the_lines_of_the_file(
    kind: str, files: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", str(files[kind]), "--packet", PACKET.format(23), "--trace"]) == 0
    out = capsys.readouterr().out
    assert f"{files[kind]}:" in out
    assert "service is tcp/23 sport 40000, wanted tcp/22" in out


def test_sets_alone_are_none(tmp_path: Path) -> None:
    path = tmp_path / "sets.ipset"
    path.write_text("create banned hash:ip family inet\nadd banned 192.0.2.1\n")
    with pytest.raises(Failure) as found:
        read_firewall(str(path), Collector())
    assert [one.code for one in found.value.diagnostics] == ["POL068"]


def test_a_policy_that_speaks_of_iptables_is_a_policy(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(f"# iptables -A INPUT -j DROP\n{POLICY}")
    assert len(read_firewall(str(path), Collector()).rulesets) == 1


WRONG = ("*filter\n-A INPUT -p tcp --dprt 22 -j ACCEPT\nCOMMIT\n", '{"nftables": [{"add": 3}]}')


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_told_with_its_place(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rules"
    path.write_text(text)
    assert main(["simulate", str(path), "--packet", PACKET.format(22)]) == 2
    assert f"--> {path}:" in capsys.readouterr().err
