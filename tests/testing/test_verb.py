"""``polc test``: cases of policies and of files beside them, results, coverage, reports, exit status."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from polc.cli.main import main

POLICY = """\
polc: 1
zones: {wan: eth0, lan: eth1}
settings: {host: "eth0 203.0.113.1/24 2001:db8:113::1/64, eth1 192.0.2.1/24, 0.0.0.0/0 via eth0"}
input:
  default: drop
  rules:
    - use stateful
    - {rule: accept tcp/22 state new from wan, id: ssh}
    - reject udp from wan
forward: {default: drop, rules: [use stateful, accept from lan to wan]}
nat: [masquerade from lan to wan]
tests:
"""
GOOD = """\
  - accept tcp 198.51.100.9 -> host:22 in eth0
  - {expect: reject, packet: "udp 203.0.113.99:53 -> host:53 in eth0", because: no resolver for the world}
  - accept udp 192.0.2.9:5000 -> 198.51.100.3:53 in eth1 out eth0 becomes 203.0.113.1:5000 -> 198.51.100.3:53
  - scenario: a session
    steps:
      - {packet: "tcp 198.51.100.9:4000 -> host:22 in eth0", expect: accept, state: new}
      - {reply: true, expect: accept, state: established}
      - {wait: 1s}
      - {reply: "flags fin,ack", expect: accept}
"""


def write(folder: Path, tests: str = GOOD, policy: str = POLICY) -> str:
    path = folder / "policy.yaml"
    path.write_text(policy + tests)
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["test", *arguments])
    told = capsys.readouterr()
    return status, told.out, told.err


def test_all_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, write(tmp_path)) == (0, "4 passed\n", "")


def test_a_line_each_where_they_are_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path)
    _, out, _ = run(capsys, path, "-v")
    first, *_, last = out.splitlines()
    assert first == f"ok {path}:13 [simulator] accept tcp 198.51.100.9 -> host:22 in eth0"
    assert last == "4 passed"


@pytest.mark.parametrize(
    ("case", "wrong"),
    [
        ("  - drop tcp 198.51.100.9 -> host:22 in eth0", "expected drop, got accept ({path}:8 ssh)"),
        ("  - accept tcp 198.51.100.9 -> host:23 in eth0", "expected accept, got drop (the default of `input`)"),
        (
            '  - {packet: "tcp 198.51.100.9 -> host:22 in eth0", expect: accept, state: established}',
            "expected state established, got new",
        ),
        (
            "  - accept udp 192.0.2.9:5 -> 198.51.100.3:53 in eth1 out eth0 becomes 192.0.2.9:5 -> 198.51.100.3:53",
            "expected it to become 192.0.2.9:5 -> 198.51.100.3:53, and it became 203.0.113.1:5 -> 198.51.100.3:53",
        ),
        (
            "  - drop tcp 198.51.100.9 -> host:23 in eth0 becomes 198.51.100.9 -> 203.0.113.1:23 dscp 8",
            "expected it to become 198.51.100.9 -> 203.0.113.1:23 dscp 8, and it became nothing",
        ),
    ],
)
def test_what_fails_is_told(case: str, wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, f"{case}\n")
    status, out, _ = run(capsys, path)
    assert status == 1
    first, second, last = out.splitlines()
    assert first.startswith(f"FAILED {path}:13 [simulator] ")
    assert second.strip() == wrong.format(path=path)
    assert last == "0 passed, 1 failed"


def test_a_step_of_a_scenario_is_named_and_so_is_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(
        tmp_path, GOOD.replace("reply: true, expect: accept", "reply: true, expect: drop") + "    because: so\n"
    )
    status, out, _ = run(capsys, path)
    assert status == 1
    assert "step 2, `reply`: expected drop, got accept" in out
    assert "    because: so\n" in out


def test_a_reject_that_nobody_hears_is_a_drop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    silent = POLICY.replace("tests:", "output: {default: drop}\ntests:")
    path = write(tmp_path, "  - reject udp 203.0.113.99:53 -> host:53 in eth0\n", silent)
    status, out, _ = run(capsys, path)
    assert status == 1
    assert "got drop" in out
    assert "whose answer does not get out" in out


def test_files_beside_and_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path)
    (tmp_path / "policy.tests.yaml").write_text("polc: 1\ntests: [drop tcp 198.51.100.9 -> host:25 in eth0]\n")
    assert run(capsys, path)[:2] == (0, "5 passed\n")
    other = tmp_path / "more.json"
    other.write_text('{"polc": 1, "tests": ["accept tcp 198.51.100.9 -> host:25 in eth0"]}')
    status, out, _ = run(capsys, path, "--tests", str(other))
    assert status == 1
    assert f"FAILED {other}:1 " in out
    assert run(capsys, path, "--tests", str(tmp_path / "none.yaml"))[0] == 2


def test_only_some(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, write(tmp_path), "-k", "session")[:2] == (0, "1 passed\n")


def test_another_host(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = "  - drop tcp 198.51.100.9 -> host:22 in eth7\n"
    status, _, err = run(capsys, write(tmp_path, case))
    assert status == 2
    assert "POL063" in err
    assert run(capsys, write(tmp_path, case), "--host", "eth7 198.18.0.1/24")[0] == 0


@pytest.mark.parametrize(
    ("case", "code", "place"),
    [
        ("  - allow tcp 198.51.100.9 -> host:22 in eth0", "POL065", "13:5"),
        ("  - accept tcp 198.51.100.9 -> host:22 inn eth0", "POL061", "13:40"),
        ("  - accept tcp 198.51.100.9 -> host:22 in eth0 becomes host:1 -> 198.51.100.9", "POL065", "13:56"),
        ("  - accept tcp 198.51.100.9 -> host:22 in eth0 becomes what", "POL065", "13:56"),
        ("  - {expect: accept, packet: 'tcp 198.51.100.9 -> host:70000 in eth0'}", "POL062", "13:51"),
        ("  - {scenario: a, steps: [{wait: 1s, expect: accept}]}", "POL065", "13:27"),
        ("  - {scenario: a, steps: [{wait: soon}]}", "POL062", "13:34"),
        (
            "  - {scenario: a, steps: [{packet: 'tcp 192.0.2.9 -> host:1 in eth1'}, {reply: 'flags what'}]}",
            "POL062",
            "13:87",
        ),
    ],
)
def test_what_cannot_be_read_is_an_error_at_its_place(
    case: str, code: str, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, f"{case}\n")
    status, out, err = run(capsys, path)
    assert (status, out) == (2, "")
    assert f"[{code}]" in err
    assert f"--> {path}:{place}\n" in err


def test_a_reply_to_nothing_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, "  - {scenario: a, steps: [{reply: true, expect: accept}]}\n")
    status, _, err = run(capsys, path)
    assert status == 2
    assert "there is no packet before it" in err
    assert f"--> {path}:13:" in err


def test_a_host_that_cannot_be_read_is_an_error_at_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, GOOD, POLICY.replace("203.0.113.1/24", "203.0.113.1/99"))
    status, _, err = run(capsys, path)
    assert status == 2
    assert f"--> {path}:3:18\n" in err


def test_coverage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, GOOD.partition("  - scenario")[0])
    status, out, _ = run(capsys, path, "--coverage")
    assert status == 0
    assert out.splitlines()[1:] == [
        f"not reached: {path}:7 stateful",
        f"not reached: {path}:10 stateful",
        "4 of 6 rules reached, 67 %",
    ]
    assert run(capsys, path, "--fail-under", "60")[0] == 0
    assert run(capsys, path, "--fail-under", "99")[0] == 1
    assert run(capsys, path, "--fail-under", "101")[0] == 2


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, GOOD + "  - drop tcp 198.51.100.9 -> host:22 in eth0\n")
    status, out, _ = run(capsys, path, "--output-format", "json", "--coverage")
    found = json.loads(out)
    assert status == 1
    assert [one["status"] for one in found["results"]] == ["passed"] * 4 + ["failed"]
    session = found["results"][3]
    assert (session["name"], session["judge"], session["line"]) == ("a session", "simulator", 16)
    assert [step["state"] for step in session["steps"]] == ["new", "established", None, "established"]
    assert found["results"][2]["steps"][0]["becomes"] == "203.0.113.1:5000 -> 198.51.100.3:53"
    assert found["results"][4]["steps"][0]["wrong"] == [f"expected drop, got accept ({path}:8 ssh)"]
    assert found["coverage"]["rules"] >= found["coverage"]["reached"] > 0


def test_junit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(
        tmp_path, GOOD + '  - {expect: drop, packet: "tcp 198.51.100.9 -> host:22 in eth0", because: "\\x01<&>"}\n'
    )
    report = tmp_path / "report.xml"
    assert run(capsys, path, "--junit", str(report))[0] == 1
    root = ElementTree.parse(report).getroot()
    (suite,) = root.findall("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("5", "1", "0")
    failure = suite.findall("testcase")[-1].find("failure")
    assert failure is not None
    assert "expected drop, got accept" in (failure.text or "")
    assert run(capsys, path, "--junit", str(tmp_path / "no" / "such"))[0] == 2


def test_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path)
    assert run(capsys, path, "--loader", "nft")[0] == 2
    assert run(capsys, path, "--longest-wait", "3")[0] == 2
    assert run(capsys, path, "--sysctl", "nf_conntrack_none=1")[0] == 2


def test_a_setting_changes_what_is_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = '  - {packet: "tcp 198.51.100.9:4001 -> host:22 in eth0 flags ack", expect: accept, state: new}\n'
    path = write(tmp_path, case)
    assert run(capsys, path)[0] == 0
    assert run(capsys, path, "--sysctl", "nf_conntrack_tcp_loose=0")[0] == 1
