"""``polc prove``, ``compile --prove`` and ``translate --prove``: what they print, and their exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from polc.backends.model import OutputFile
from polc.cli.main import main

POLICY = """\
polc: 1
zones: {wan: eth0, lan: eth1}
addresses: {admins: [198.51.100.0/24]}
input:
  default: drop
  rules:
    - use stateful
    - accept ssh from wan @admins state new
forward:
  default: drop
  rules:
    - use stateful
    - accept from lan to wan
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


def test_proven(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", str(policy), "never accept ssh from wan not @admins"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("proven: never accept ssh from wan not @admins\n")
    assert "given that conntrack" in text


def test_refuted_by_a_packet_that_simulates(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", str(policy), "never accept ssh from wan", "--output-format", "json"]) == 1
    (answer,) = json.loads(capsys.readouterr().out)
    example = answer["counterexample"]
    assert answer["result"] == "refuted"
    assert example["outcomes"][0]["fate"] == "accept"
    assert example["outcomes"][0]["decision"]["line"] == 8
    assert main(["simulate", str(policy), "--packet", example["packet"], "--output-format", "json"]) == 0
    (outcome,) = json.loads(capsys.readouterr().out)
    assert (outcome["fate"], outcome["decision"]["line"]) == ("accept", 8)


def test_assertions_of_the_policy(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = policy.with_name("other.yaml")
    other.write_text(POLICY.replace("accept ssh", "accept ssh, http"))
    policy.write_text(
        POLICY + "assert:\n  - {assert: wan never reaches lan, because: nobody offers anything there}\n"
        "  - equivalent other.yaml\n  - implies other.yaml\n"
    )
    assert main(["prove", str(policy)]) == 1
    text = capsys.readouterr().out
    assert f"proven: {policy}:15: wan never reaches lan\n  because: nobody offers anything there\n" in text
    assert f"refuted: {policy}:16: equivalent other.yaml\n" in text
    assert "differs in the verdict: drop and accept" in text
    assert text.endswith("2 proven, 1 refuted\n")
    assert main(["check", str(policy)]) in (0, 1)


def test_usage(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", str(policy)]) == 2
    assert "nothing to prove" in capsys.readouterr().err
    assert main(["prove", str(policy), "never allow ssh"]) == 2
    assert "`never` needs `accept`" in capsys.readouterr().err
    assert main(["prove", str(policy), "equivalent nowhere.yaml"]) == 2
    assert "nowhere.yaml" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["prove", str(policy), "never accept ssh", "--budget", "many"])


def test_rulesets_of_iptables(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = policy.parent / "out"
    assert main(["compile", str(policy), "--target", "iptables", "--prove", "-o", str(folder)]) == 0
    four, six = str(folder / "rules.v4"), str(folder / "rules.v6")
    assert main(["prove", "--with", six, four, f"equivalent {policy}", "never accept ssh from eth0 to host 192.0.2.1",
                 "eth1 reaches eth0"]) == 1  # fmt: skip
    text = capsys.readouterr().out
    assert f"proven: equivalent {policy}\n  of packets: IPv4 and IPv6\n" in text
    assert "refuted: never accept ssh from eth0 to host 192.0.2.1\n" in text
    assert "proven: eth1 reaches eth0\n" in text
    assert main(["prove", four, "never accept ssh from eth0 not 198.51.100.0/24"]) == 0
    assert "of packets: IPv4, in" in capsys.readouterr().out


def test_nothing_is_written_that_is_not_proven(
    policy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import polc.cli.proof

    def broken(*_: object) -> tuple[OutputFile, ...]:
        return (OutputFile("ruleset.nft", json.dumps({"nftables": []})),)

    target = policy.parent / "out.nft"
    for words in ("json", "text"):
        assert main(["compile", str(policy), "--target", "nft", "--format", words, "--prove", "-o", str(target)]) == 0
        target.unlink()
    monkeypatch.setattr(polc.cli.proof, "_readable", broken)
    assert main(["compile", str(policy), "--target", "nft", "--prove", "-o", str(target)]) == 1
    assert not target.exists()
    assert "refuted: the nft output does what was meant" in capsys.readouterr().err


def test_translations(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save = policy.with_name("rules.v4")
    save.write_text("*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"
                    "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n")  # fmt: skip
    assert main(["translate", str(save), "--to", "nft", "--prove"]) == 0
    assert "tcp" in capsys.readouterr().out
