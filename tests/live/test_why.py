"""From a line of a log or a trace, or a packet, to the line of the policy."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from firewall import Firewall

from polc.cli.main import main
from polc.diagnostics import Failure
from polc.live.kernel_log import read_log
from polc.live.nftrace import read_trace
from polc.live.session import SshSession, read_connection
from polc.source import SourceFile

POLICY = """\
polc: 1
zones: {wan: eth0}
input:
  default: drop
  rules:
    - use stateful
    - {rule: accept ssh from wan 198.51.100.0/24 state new, id: admins}
    - 'log "in-drop: " from wan'
"""
LOG = "Nov 26 00:12:00 fw kernel: [12345.678901] in-drop: IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 "
LINES = {
    f"{LOG}SRC=203.0.113.9 DST=192.0.2.1 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1 DF PROTO=TCP SPT=4000 DPT=23 "
    "WINDOW=64240 RES=0x00 SYN URGP=0 ": "tcp 203.0.113.9:4000 -> 192.0.2.1:23 in eth0 flags syn ttl 63",
    "IN= OUT=eth0 SRC=2001:db8::1 DST=2001:db8::2 LEN=72 TC=0 HOPLIMIT=64 FLOWLBL=1 PROTO=UDP SPT=53 DPT=4000 LEN=32 "
    "MARK=0x10": "udp [2001:db8::1]:53 -> [2001:db8::2]:4000 out eth0 ttl 64 mark 0x10",
    "IN=eth0 OUT=eth1 SRC=192.0.2.7 DST=192.0.2.9 LEN=84 TTL=64 PROTO=ICMP TYPE=8 CODE=0 ID=1 "
    "SEQ=1": "icmp/8/0 192.0.2.7 -> 192.0.2.9 in eth0 out eth1 ttl 64",
    "IN=eth0 OUT= SRC=192.0.2.7 DST=192.0.2.9 LEN=84 TTL=64 PROTO=ICMP TYPE=3 CODE=1 [SRC=192.0.2.9 DST=192.0.2.7 "
    "LEN=60 TTL=9 PROTO=TCP SPT=1 DPT=2 ]": "icmp/3/1 192.0.2.7 -> 192.0.2.9 in eth0 ttl 64",
    "IN=eth0 OUT= SRC=192.0.2.7 DST=224.0.0.1 LEN=32 TTL=1 PROTO=2": "2 192.0.2.7 -> 224.0.0.1 in eth0 ttl 1",
}


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_the_log_is_a_packet(line: str) -> None:
    found = read_log(SourceFile("LINE", line))
    assert found.packet == LINES[line]
    assert found.prefix == ("in-drop: " if line.startswith("Nov") else "")


@pytest.mark.parametrize("line", ["", "IN=eth0", "IN=eth0 OUT= SRC=192.0.2.1", "SRC=192.0.2.1 DST=192.0.2.2 PROTO=TCP"])
def test_a_line_without_a_packet(line: str) -> None:
    with pytest.raises(Failure, match="POL072"):
        read_log(SourceFile("LINE", line))


def test_lines_of_a_trace() -> None:
    rule = read_trace(
        'trace id 8f23 inet polc input rule udp dport 53 drop comment "p.yaml:9 dns" # handle 5 (verdict drop)'
    )
    assert rule is not None
    assert (rule.table, rule.chain, rule.comment, rule.verdict, rule.handle) == (
        "inet polc",
        "input",
        "p.yaml:9 dns",
        "drop",
        5,
    )
    assert rule.words == "udp dport 53 drop"
    policy = read_trace("trace id 8f23 inet polc input policy drop ")
    assert policy is not None
    assert (policy.kind, policy.verdict) == ("policy", "drop")
    assert read_trace("add rule inet polc input") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("198.51.100.7 50000 192.0.2.1 22", SshSession("198.51.100.7", 50000, "192.0.2.1", 22)),
        ("::ffff:198.51.100.7 50000 ::ffff:192.0.2.1 22", SshSession("198.51.100.7", 50000, "192.0.2.1", 22)),
        ("fe80::1%eth0 50000 fe80::2%eth0 22", SshSession("fe80::1", 50000, "fe80::2", 22)),
        ("UNKNOWN 65535 UNKNOWN 65535", None),
        ("", None),
    ],
)
def test_the_variable_of_sshd(text: str, found: SshSession | None) -> None:
    assert read_connection(text) == found


def test_a_policy_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    host = ("--host", "eth0 192.0.2.1/24, 0.0.0.0/0 via eth0")
    log = next(line for line in LINES if line.startswith("Nov"))
    assert main(["why", log, "--policy", str(policy), *host]) == 0
    output = capsys.readouterr().out
    assert output.startswith("logged by policy.yaml:8: `in-drop: `\n")
    assert "the policy of input, drop" in output
    packet = "tcp 198.51.100.9 -> host:22 in eth0"
    assert main(["why", packet, "--policy", str(policy), *host, "--output-format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["line"], found["verdict"]) == ("policy.yaml:7 admins", "accept")
    assert main(["why", "something else", "--policy", str(policy), *host]) == 2
    assert "POL06" in capsys.readouterr().err


@pytest.mark.kernel("nft")
def test_what_runs_is_asked(tmp_path: Path) -> None:
    with Firewall(tmp_path) as firewall:
        firewall.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
        firewall.run("ip", "address", "add", "192.0.2.1/24", "dev", "eth0")
        firewall.run("ip", "link", "set", "eth0", "up")
        assert firewall.polc("why", "tcp 198.51.100.9 -> host:22 in eth0").status == 3, "nothing runs"
        firewall.apply(POLICY)
        packet = "tcp 198.51.100.9 -> 192.0.2.1:22 in eth0"
        found = json.loads(firewall.polc("why", packet, "--output-format", "json").output)
        assert [one["line"] for one in found] == ["policy.yaml:7 admins"]
        assert "`accept ssh from wan 198.51.100.0/24 state new`" in found[0]["answer"], "in the words of the policy"
        (tmp_path / "policy.yaml").write_text("polc: 1\n")
        found = json.loads(firewall.polc("why", packet, "--output-format", "json").output)
        assert [one["line"] for one in found] == ["policy.yaml:7 admins"], "what runs, and not what the file says now"


@pytest.mark.kernel("nft")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_packets_on_their_way(end: signal.Signals, tmp_path: Path) -> None:
    policy = "polc: 1\ninput:\n  default: drop\n  rules:\n    - accept tcp/1\n    - drop udp/7 counter\n"
    with Firewall(tmp_path) as firewall:
        firewall.apply(policy)
        # The rule counts, so it stays, and its comment names the line that it had.
        firewall.apply(policy.replace("    - accept tcp/1\n", "    - accept tcp/1\n    - accept tcp/2\n"))
        held = firewall.holds()
        tracing = firewall.namespace.start(
            # Whoever runs tests in the background has ^C ignored, and what they start with them.
            [
                *("env", "--default-signal=INT", sys.executable, "-m", "polc"),
                *("trace", "--live", "udp/7", "--state-dir", str(firewall.kept)),
            ]
        )
        deadline = time.monotonic() + 20
        while "polc_trace" not in firewall.run("nft", "list", "tables"):
            assert time.monotonic() < deadline
        firewall.run(
            sys.executable, "-c",
            "import socket\nfor port in (9, 7): socket.socket(2, 2).sendto(b'', ('127.0.0.1', port))",
        )  # fmt: skip
        assert tracing.stdout is not None
        lines = [tracing.stdout.readline() for _ in range(2)]
        assert "inet polc input: " in lines[0]
        assert "udp dport 7 " in lines[0], "and not the other packet"
        assert lines[1].endswith("input: policy.yaml:7: drop\n"), lines
        children = Path(f"/proc/{tracing.pid}/task/{tracing.pid}/children").read_text().split()
        os.kill(int(children[0]), end)
        tracing.wait(20)
        assert firewall.holds() == held, "its table is gone"


@pytest.mark.kernel("nft")
def test_filters_that_are_none(tmp_path: Path) -> None:
    with Firewall(tmp_path) as firewall:
        for words, code in (("udp state new", "POL071"), ("udp fro lo", "POL110")):
            told = firewall.polc("trace", "--live", words)
            assert (told.status, code in told.output) == (2, True), told.output
