"""``polc test --kernel``: the same cases with real packets, and the scenarios of the examples on every loader."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from polc.cli.main import main

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted((ROOT / "examples" / "scenarios").glob("*.yaml"))
DISAGREEMENTS = sorted((ROOT / "tests" / "kernel" / "disagreements").glob("*.yaml"))
"""What the simulator and the kernel once did not agree on."""
KERNEL = pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "conntrack", "hashlimit", "recent", "nat")
POLICY = """\
polc: 1
zones: {wan: eth0}
settings: {host: "eth0 203.0.113.1/24, 0.0.0.0/0 via eth0"}
input: {default: drop, rules: [use stateful, accept tcp/22 from wan]}
tests:
"""


@KERNEL
@pytest.mark.parametrize("path", [*SCENARIOS, *DISAGREEMENTS], ids=lambda path: path.stem)
def test_scenarios_are_the_same_in_the_simulator_and_in_the_kernel(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["test", str(path), "--kernel", "--allow-approximate", "--output-format", "json", "--coverage"])
    found = json.loads(capsys.readouterr().out)
    assert status == 0, [step["wrong"] for one in found["results"] for step in one["steps"] if step["wrong"]]
    judges = {one["judge"] for one in found["results"] if one["status"] == "passed"}
    assert judges == {"simulator", "nft", "iptables-nft", "iptables-legacy"}
    skipped = {one["name"] for one in found["results"] if one["status"] == "skipped"}
    assert len(skipped) <= 1
    states = {step["state"] for one in found["results"] for step in one["steps"] if step["verdict"]}
    assert states


@KERNEL
def test_what_differs_is_told_by_each_judge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(
        POLICY + "  - drop tcp 198.51.100.9 -> host:22 in eth0\n  - drop tcp 198.51.100.9 -> host:23 in eth0\n"
    )
    assert main(["test", str(path), "--kernel"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("[")[1].split("]")[0] for line in lines if line.startswith("FAILED")] == [
        "simulator", "nft", "iptables-nft", "iptables-legacy",
    ]  # fmt: skip
    assert lines[-1] == "4 passed, 4 failed"


@KERNEL
def test_what_no_packet_can_be_is_skipped_with_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(
        POLICY + "  - accept tcp 198.51.100.9 -> host:99 in eth0 flags ack state established\n"
        '  - {scenario: late, steps: [{packet: "tcp 198.51.100.9 -> host:22 in eth0", expect: accept}, {wait: 11s}]}\n'
    )
    assert main(["test", str(path), "--kernel", "--loader", "nft"]) == 0
    out = capsys.readouterr().out
    assert "a conntrack state that nothing led to" in out
    assert "it waits 11 s" in out
    assert out.splitlines()[-1] == "2 passed, 2 skipped"


@KERNEL
def test_a_target_that_refuses_leaves_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(
        POLICY.replace("accept tcp/22 from wan", "accept tcp/22 where ct zone 0")
        + "  - drop udp 198.51.100.9 -> host:1 in eth0\n"
    )
    assert main(["test", str(path), "--kernel"]) == 2
    told = capsys.readouterr()
    assert "2 passed" in told.out
    assert "POL402" in told.err
