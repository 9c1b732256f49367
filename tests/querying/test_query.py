"""What a firewall accepts, region by region with its rule, and the matrix of zones and services."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from polc.cli.main import main

POLICY = """\
polc: 1
zones: {wan: eth0, lan: eth1}
addresses: {admins: [198.51.100.0/24, 203.0.113.7]}
services: {web: "tcp/80,443"}
input:
  default: drop
  rules:
    - use stateful
    - accept ssh from wan @admins state new
    - {rule: accept web, comment: "<script>alert(1)</script>"}
    - accept udp/53 from lan limit 10/second
    - reject tcp/25
forward:
  default: drop
  rules:
    - use stateful
    - accept from lan to wan
"""


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "<b>policy.yaml"
    path.write_text(POLICY)
    return str(path)


def told(arguments: list[str], capsys: pytest.CaptureFixture[str], status: int = 0) -> str:
    assert main(arguments) == status
    return capsys.readouterr().out


def test_regions_have_their_rules(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = told(["query", policy, "tcp/22 from wan"], capsys)
    assert text.splitlines() == [
        f"accept: {policy}:9 input/3 `accept ssh from wan @admins state new`",
        "  wan -> host, tcp/22, from @admins",
    ]


def test_what_is_not_accepted(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(["query", policy, "tcp/23"], capsys).startswith("accept: ")
    assert told(["query", policy, "tcp/23 to host"], capsys) == "no packet of this class is accepted\n"
    text = told(["query", policy, "tcp/25 to host", "--all"], capsys)
    assert "reject with port-unreachable: " in text
    assert "`reject tcp/25`" in text


def test_as_json(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(told(["query", policy, "udp from lan to host", "--output-format", "json"], capsys))
    (region,) = found["regions"]
    assert (region["zones"], region["service"], region["verdict"]) == ("lan -> host", "udp/53", "accept")
    assert (region["rule"]["line"], region["rule"]["chain"]) == (11, "input")
    assert any("limit" in one for one in region["conditions"])
    assert found["complete"] is True


def test_of_each_rule_the_biggest_regions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.yaml"
    sources = ", ".join(f"192.{number}.0.0/{17 + number}" for number in range(7))
    ports = [f"    - drop tcp/{number}00 from 192.{number}.0.0/{17 + number}\n" for number in range(1, 7)]
    head = "polc: 1\ninput:\n  default: drop\n  rules:\n"
    path.write_text(head + "".join(ports) + f"    - accept tcp/1-1000 from {sources}\n    - accept tcp/22\n")
    few = told(["query", str(path), "tcp/1-700", "--max", "2"], capsys)
    assert few.count("and more of the same rule") == 1
    assert "--max 0" in few
    whole = told(["query", str(path), "tcp/1-700", "--max", "0"], capsys)
    assert "more of the same" not in whole
    assert len(whole.splitlines()) > len(few.splitlines())
    # The biggest ones come first.
    assert few.splitlines()[1] in whole.splitlines()
    found = json.loads(told(["query", str(path), "tcp/1-700", "--max", "1", "--output-format", "json"], capsys))
    assert found["complete"] is False
    assert main(["query", str(path), "tcp", "--max", "-1"]) == 2


def test_a_class_of_nothing_is_all(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = told(["query", policy, ""], capsys)
    assert "accept from lan to wan" in text
    assert "accept web" in text


def entries(policy: str, capsys: pytest.CaptureFixture[str]) -> dict[tuple[str, str, str], str]:
    found = json.loads(told(["query", policy, "--output-format", "json"], capsys))
    return {(one["from"], one["to"], one["service"]): one["accepted"] for one in found["entries"]}


def test_the_matrix(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = entries(policy, capsys)
    assert found["wan", "host", "tcp/22"] == "some"
    assert found["wan", "host", "web"] == "yes"
    assert found["wan", "host", "udp/53"] == "no"
    assert found["lan", "host", "udp/53"] == "limited"
    assert found["lan", "wan", "anything else"] == "yes"
    assert found["wan", "lan", "web"] == "no"
    assert found["host", "wan", "tcp/25"] == "yes"


def test_the_matrix_in_words(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = told(["query", policy], capsys)
    assert "wan -> host\n  accepted: web\n  some accepted, by addresses or other fields: tcp/22\n" in text
    assert "wan -> lan\n  nothing\n" in text


def test_the_page_needs_nothing_else_and_escapes(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    html = told(["query", policy, "--output-format", "html"], capsys)
    assert "<script" not in html
    assert "&lt;b&gt;policy.yaml" in html
    assert "<b>policy" not in html
    assert "http://" not in html
    assert "https://" not in html
    assert "src=" not in html
    assert "prefers-color-scheme: dark" in html
    assert html.count("<tr>") == 1 + 2 + 2 + 4


@pytest.mark.parametrize(
    "arguments",
    [["tcp/22", "--output-format", "html"], ["--all"], ["tcp/22", "--with", "-", "--with", "-"]],
)
def test_wrong_usage(arguments: list[str], policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", policy, *arguments]) == 2
    assert "polc query: " in capsys.readouterr().err


def test_regions_agree_with_the_simulator(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Packets at random: those that regions hold are accepted, and no others."""
    found = json.loads(told(["query", policy, "tcp to host", "--output-format", "json"], capsys))
    ports = {one["service"]: one["from"] for one in found["regions"]}
    assert set(ports) == {"tcp/22", "tcp/80,443 (web)"}
    source = random.Random(1)
    packets = []
    for _ in range(200):
        address = source.choice(["198.51.100.9", "203.0.113.7", "203.0.113.8", "192.0.2.1"])
        packets.append((address, source.choice([22, 80, 443, 25, 81]), source.choice(["eth0", "eth1"])))
    words = [f"tcp {address}:4000 -> host:{port} in {iif}" for address, port, iif in packets]
    path = Path(policy).parent / "packets.txt"
    path.write_text("\n".join(words))
    outcomes = json.loads(told(["simulate", policy, "--packets", str(path), "--output-format", "json"], capsys))
    for (address, port, iif), outcome in zip(packets, outcomes, strict=True):
        admin = address in ("198.51.100.9", "203.0.113.7")
        expected = port in (80, 443) or (port == 22 and admin and iif == "eth0")
        assert (outcome["fate"] == "accept") is expected
