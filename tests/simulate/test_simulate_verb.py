"""``polc simulate`` as a user meets it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import dpkt
import pytest

from polc.cli.main import main

POLICY = """\
polc: 1
zones: {wan: eth0, lan: eth1}
input:
  default: drop
  rules:
    - use stateful
    - accept ssh from 198.51.100.0/24 state new
    - reject tcp/113
forward: {default: drop, rules: [use stateful, accept from lan to wan]}
nat: [masquerade to wan]
"""
SSH = "tcp 198.51.100.9:4000 -> host:22 in eth0"
OUT = "udp 192.0.2.9:1000 -> 198.51.100.9:53 in eth1 out eth0"
HOST = "eth0 203.0.113.1/24, eth1 192.0.2.1/24, 0.0.0.0/0 via eth0"


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yaml").write_text(POLICY)
    return "policy.yaml"


def test_the_verdict_who_decided_and_the_flow(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", policy, "--packet", SSH, "--reply", "--host", HOST]) == 0
    assert capsys.readouterr().out == (
        "tcp 198.51.100.9:4000 -> 203.0.113.1:22 in eth0\n"
        "  accept, delivered to the host: policy.yaml:7 input/3 `accept ssh from 198.51.100.0/24 state new`\n"
        "  conntrack: new, flow 1 198.51.100.9:4000 -> 203.0.113.1:22: no flow -> syn_sent confirmed 120s\n"
        "tcp 203.0.113.1:22 -> 198.51.100.9:4000 out eth0 flags syn,ack\n"
        "  accept, leaves by eth0\n"
        "  conntrack: established (reply), flow 1 198.51.100.9:4000 -> 203.0.113.1:22: "
        "syn_sent confirmed 120s -> syn_recv seen-reply confirmed 60s\n"
    )


def test_nat_answers_and_policies(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    packets = [OUT, SSH.replace("22", "113"), SSH.replace("198.51.100.9", "203.0.113.9")]
    argv = [part for one in packets for part in ("--packet", one)]
    assert main(["simulate", policy, "--host", HOST, *argv]) == 0
    out = capsys.readouterr().out
    assert "nat in postrouting: 192.0.2.9:1000 -> 198.51.100.9:53 becomes 203.0.113.1:1000 -> 198.51.100.9:53\n" in out
    assert "  reject, in input: policy.yaml:8 input/4 `reject tcp/113`\n" in out
    assert "  answer: icmp/destination-unreachable/3 203.0.113.1 -> 198.51.100.9 out eth0 dscp 48 about tcp" in out
    assert "  drop, in input: the policy of input, drop, policy.yaml:3\n" in out


def test_machines_get_the_same(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["simulate", policy, "--host", HOST, "--packet", SSH, "--packet", OUT, "--output-format", "json"]
    assert main(argv) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert first["fate"] == "accept"
    assert first["decision"]["file"] == "policy.yaml"
    assert (first["decision"]["line"], first["decision"]["chain"], first["decision"]["rule"]) == (7, "input", 3)
    assert (first["state"], first["before"], first["after"]["protocol_state"]) == ("new", None, "syn_sent")
    assert second["leaves"]["source"] == "203.0.113.1:1000"
    assert [one["hook"] for one in second["nat"]] == ["postrouting"]
    assert "trace" not in first
    assert main([*argv, "--trace"]) == 0
    traced = json.loads(capsys.readouterr().out)[0]["trace"]
    assert [one["hook"] for one in traced if "hook" in one] == ["prerouting", "input"]
    assert any(one.get("missed") for one in traced)


def test_the_trace_says_why_not(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["simulate", policy, "--host", HOST, "--trace", "--packet", SSH.replace("198.51.100.9", "9.9.9.9")]) == 0
    )
    out = capsys.readouterr().out
    assert "policy.yaml:7 input/3 `accept ssh from 198.51.100.0/24 state new`: no, saddr is 9.9.9.9, wanted" in out
    assert "policy of input: drop" in out


def test_a_host_that_is_not_described(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", policy, "--packet", SSH, "--packet", OUT]) == 0
    out = capsys.readouterr().out
    assert "198.18." in out
    assert "leaves by eth0" in out


def test_a_host_that_the_policy_describes(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Path(policy).open("a") as file:
        file.write("settings: {host: 'eth0 203.0.113.7/24'}\n")
    assert main(["simulate", policy, "--packet", SSH]) == 0
    assert "203.0.113.7:22 in eth0" in capsys.readouterr().out
    assert main(["simulate", policy, "--host", HOST, "--packet", SSH]) == 0
    assert "203.0.113.1:22 in eth0" in capsys.readouterr().out


def test_steps_are_done_in_order(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    udp = "udp host:1 -> 198.51.100.9:53 out eth0"
    argv = ["simulate", policy, "--host", HOST, "--packet", udp, "--reply", "--packet", udp, "--output-format", "json"]
    for wait, fate in (("29s", "accept"), ("121s", "drop")):
        assert main([*argv, "--wait", wait, "--packet", "udp 198.51.100.9:53 -> host:1 in eth0"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert [one["fate"] for one in found] == ["accept", "accept", "accept", fate]


def test_files_of_steps(policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = tmp_path / "steps.txt"
    words.write_text(f"# a session\n\n{SSH}  # it begins\nreply\nwait 1s\nreply\n")
    objects = tmp_path / "steps.json"
    listed = [{"protocol": "tcp", "source": "198.51.100.9:4000", "destination": "host:22", "in": "eth0"}]
    objects.write_text(json.dumps([*listed, {"reply": True}, {"wait": "1s"}, {"reply": True}]))
    lines = tmp_path / "steps.jsonl"
    lines.write_text("\n".join(json.dumps(one) for one in json.loads(objects.read_text())))
    found = []
    for path in (words, objects, lines):
        assert main(["simulate", policy, "--host", HOST, "--packets", str(path)]) == 0
        found.append(capsys.readouterr().out)
    assert found[0] == found[1] == found[2]
    assert found[0].count("accept") == 4


def test_a_capture(policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.pcap"
    syn = dpkt.ip.IP(
        src=bytes([198, 51, 100, 9]), dst=bytes([203, 0, 113, 1]), p=6,
        data=dpkt.tcp.TCP(sport=4000, dport=22, flags=2, seq=7),
    )  # fmt: skip
    with path.open("wb") as file:
        writer = dpkt.pcap.Writer(file)
        writer.writepkt(bytes(dpkt.ethernet.Ethernet(data=syn)), 1.0)
    assert main(["simulate", policy, "--host", HOST, "--packets", str(path)]) == 0
    assert "input/3 `accept ssh" in capsys.readouterr().out


def test_standard_input(policy: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(SSH.encode())))
    assert main(["simulate", policy, "--host", HOST, "--packets", "-"]) == 0
    assert "accept ssh" in capsys.readouterr().out
    assert main(["simulate", "-", "--packets", "-"]) == 2
    assert "once" in capsys.readouterr().err


def test_several_rulesets(policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "more.yaml").write_text("polc: 1\ninput: {default: accept, rules: [drop ssh]}\n")
    assert main(["simulate", policy, "more.yaml", "--host", HOST, "--packet", SSH]) == 0
    assert "drop, in input: more.yaml:2" in capsys.readouterr().out


def test_what_only_the_kernel_knows_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "native.yaml"
    path.write_text("polc: 1\ninput:\n  default: drop\n  rules: [{native: {nft: accept, iptables: '-j ACCEPT'}}]\n")
    assert main(["simulate", str(path), "--packet", SSH]) == 1
    captured = capsys.readouterr()
    assert "unknown" in captured.out
    assert "only the kernel knows" in captured.out


def test_settings_of_the_kernel_and_the_time_of_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        "polc: 1\ninput: {default: drop, rules: [accept ssh where meta hour 08:00-17:00, accept state new]}\n"
    )
    ack = ["--packet", f"{SSH} flags ack"]
    for more, fate in (([], "accept"), (["--sysctl", "nf_conntrack_tcp_loose=0", "--at", "2026-01-31T18:00"], "drop")):
        assert main(["simulate", str(path), *ack, *more]) == 0
        assert f"  {fate}" in capsys.readouterr().out
    for hour, by in (("12:00", "accept ssh"), ("20:00", "accept state new")):
        assert main(["simulate", str(path), "--packet", SSH, "--at", f"2026-01-31T{hour}"]) == 0
        assert f"`{by}" in capsys.readouterr().out


def test_usage(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    for argv, message in (
        ([], "say what to simulate"),
        (["--packet", SSH, "--sysctl", "x"], "NAME=NUMBER"),
        (["--packet", SSH, "--at", "noon"], "no time"),
    ):
        assert main(["simulate", policy, *argv]) == 2
        captured = capsys.readouterr()
        assert message in captured.err
        assert captured.out == ""


@pytest.mark.parametrize(
    ("argv", "code", "place"),
    [
        (["--packet", "tcp 198.51.100.9 -> hots:22 in eth0"], "POL062", "--packet:1:21"),
        (["--packet", SSH, "--reply", "flags"], "POL061", "--reply:1:"),
        (["--reply"], "POL062", "--reply:1:1"),
        (["--packets", "bad.txt"], "POL061", "bad.txt:3:"),
        (["--packets", "nowhere.txt"], "POL001", "nowhere.txt"),
        (["--packets", "bytes.txt"], "POL002", "bytes.txt"),
        (["--packets", "cut.pcap"], "POL064", "cut.pcap"),
        (["--packet", SSH, "--wait", "soon"], "POL06", "--wait:1:6"),
        (["--packet", SSH, "--host", "eth0 1.2.3.4/99"], "POL062", "--host:1:6"),
        (["--packet", SSH, "--host", "bytes.txt"], "POL002", "bytes.txt"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], argv: list[str], code: str, place: str
) -> None:
    (tmp_path / "bad.txt").write_text(f"{SSH}\n\ntcp 198.51.100.9 >> host:22\n")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "cut.pcap").write_bytes(b"\xd4\xc3\xb2\xa1\0")
    assert main(["simulate", policy, *argv]) == 2
    err = capsys.readouterr().err
    assert f"error[{code}" in err
    assert f"--> {place}" in err


def test_a_wrong_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wrong.yaml").write_text("polc: 1\ninput: {default: drop, rules: [accept shh]}\n")
    assert main(["simulate", str(tmp_path / "wrong.yaml"), "--packet", SSH]) == 2
    assert "error[POL203" in capsys.readouterr().err
