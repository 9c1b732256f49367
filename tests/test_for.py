"""``--for``: which words and refusals each verb gives for a host."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from polc.backends.profile import OLDEST, PROFILES
from polc.cli.main import main

POLICY = """\
polc: 1
zones: {lan: [eth1, "wg*", "tun*"]}
input:
  default: drop
  rules:
    - use stateful
    - use loopback
    - use icmp-essentials
    - accept ssh from lan state new
"""


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return str(path)


def nft(policy: str, *more: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["compile", policy, "--target", "nft", "--format", "text", *more]) == 0
    return capsys.readouterr().out


def test_a_newer_profile_gives_fewer_rules(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    old = nft(policy, "--for", OLDEST.name, capsys=capsys)
    assert old == nft(policy, capsys=capsys)
    assert '"eth1", "tun*", "wg*"' not in old
    new = nft(policy, "--for", "debian-12", capsys=capsys)
    assert 'meta iifname { "eth1", "tun*", "wg*" } tcp dport 22' in new
    assert new == nft(policy, "--for", "nft=1.0.6,kernel=6.1", capsys=capsys)


@pytest.mark.parametrize("name", PROFILES)
def test_every_name_is_taken_by_every_verb(name: str, policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert nft(policy, "--for", name, capsys=capsys)
    assert main(["check", policy, "--for", name]) == 0


@pytest.mark.parametrize("verb", [["compile", "--target", "nft"], ["verify"], ["check"]])
@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ("debain-12", "there is no profile `debain-12`, did you mean `debian-12`? (the profiles are debian-11, "),
        ("nft=0.9.0", "nft 0.9.0 is too old: polc writes for nft 0.9.8 or newer"),
        ("kernel=five", "`five` is not a version of kernel, such as 5.10"),
        ("%s %d", "there is no profile `%s %d`"),
    ],
)
def test_what_is_no_profile_is_wrong_usage(
    verb: list[str], profile: str, message: str, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb[0], policy, *verb[1:], "--for", profile])
    assert ended.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err


REFUSED = """\
polc: 1
input:
  default: drop
  rules:
    - use stateful
    - use loopback
    - use icmp-essentials
    - count seen ssh
    - accept ssh state new
    - drop tcp/23 state new hits 5 in 60s per source
"""


def test_check_tells_what_the_host_could_not_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(REFUSED)

    def found(*more: str) -> tuple[int, list[tuple[str, str]]]:
        status = main(["check", str(path), "--select", "POL4", "--output-format", "json", *more])
        return status, [(one["code"], one["severity"]) for one in json.loads(capsys.readouterr().out)]

    assert found() == (0, [])
    assert found("--for", "debian-12") == (2, [("POL402", "error"), ("POL401", "note")])
    # Named counters are nft's alone; windows it has no exact form for.
    assert found("--for", "debian-12", "--target", "nft") == (0, [("POL401", "note")])
    assert found("--for", "debian-12", "--target", "iptables") == (2, [("POL402", "error")])


def test_check_needs_a_host_for_a_target(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", policy, "--target", "nft"]) == 2
    assert capsys.readouterr().err == "polc check: --target is for what `--for` names\n"


@pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy")
def test_verify_loads_what_the_host_is_given(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", policy, "--for", "host"]) == 0
    assert capsys.readouterr().out.count("same as compiled") == 3


def test_compiling_imports_neither_the_kernel_nor_reports(policy: str) -> None:
    code = (
        "import sys; from polc.cli.main import main; "
        f"main(['compile', {policy!r}, '--target', 'nft', '--for', 'debian-12', '-o', '/dev/null']); "
        "print([name for name in sys.modules if name.startswith(('polc.kernel', 'polc.report', 'subprocess'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
