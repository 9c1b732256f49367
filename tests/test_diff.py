"""``polc diff`` as a user meets it: what can be compared with what, exit statuses, and what is wrong with input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from polc.cli.main import main

POLICY = """\
polc: 1
zones: {wan: eth0, lan: eth1}
addresses:
  admins: [198.51.100.0/24, "2001:db8::/64"]
  banned: {dynamic: true, timeout: 1h, size: 100}
input:
  default: drop
  rules:
    - use stateful
    - drop from @banned
    - accept ssh from wan @admins state new
    - drop tcp/8080 state new over 10/minute burst 5 per source
    - accept tcp/8080 state new
forward:
  default: drop
  rules: [use stateful, accept from lan to wan]
nat:
  - masquerade from lan 0.0.0.0/0 to wan
"""
GATEWAY = Path(__file__).parents[1] / "examples" / "gateway.yaml"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A policy, what it is for both targets, and the same with one rule less."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "less.yaml").write_text(POLICY.replace("    - accept tcp/8080 state new\n", ""))
    policy = str(tmp_path / "policy.yaml")
    for words in (["nft"], ["nft", "--format", "text"]):
        name = "rules.nft" if len(words) > 1 else "rules.json"
        assert main(["compile", policy, "--target", *words, "-o", str(tmp_path / name)]) == 0
    assert main(["compile", policy, "--target", "iptables", "-o", f"{tmp_path}/out/"]) == 0
    return tmp_path


def diff(*words: str) -> int:
    return main(["diff", *words])


KINDS = {
    "policy": "policy.yaml",
    "nft JSON": "rules.json",
    "iptables": "out/rules.v4,out/rules.v6,out/sets.ipset",
    "directory": "out",
}


@pytest.mark.parametrize("one", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_a_policy_is_what_it_is_compiled_to(
    one: str, other: str, files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    assert diff(KINDS[one], KINDS[other]) == 0, capsys.readouterr().out
    assert capsys.readouterr().out == f"{KINDS[one]} -> {KINDS[other]}: no packet is treated differently\n"


def test_nfts_own_language(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(str(files / "policy.yaml"), str(files / "rules.nft")) == 0
    assert diff(str(files / "rules.nft"), str(files / "less.yaml")) == 1
    assert "rules.nft as nft lists it:" in capsys.readouterr().out


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_lost_is_told(
    kind: str, files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    assert diff(KINDS[kind], "less.yaml") == 1
    out = capsys.readouterr().out
    assert "1 region of packets is treated differently: 1 no longer accepted" in out
    assert "accept => drop: any -> host, tcp/8080" in out
    assert "saddr not in @banned" in out
    assert "assumed: named sets hold the same on both sides" in out


def test_standard_input(files: Path) -> None:
    command = [sys.executable, "-m", "polc", "diff", "-", str(files / "policy.yaml")]
    done = subprocess.run(command, input=POLICY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"- -> {files}/policy.yaml: no packet is treated differently\n")


def test_formats(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = str(files / "policy.yaml"), str(files / "less.yaml")
    assert diff(*both, "--output-format", "json") == 1
    written = json.loads(capsys.readouterr().out)
    assert (written["same"], written["total"]) == (False, 1)
    assert diff(*both, "--output-format", "markdown") == 1
    assert capsys.readouterr().out.startswith("### Firewall: 1 region of packets is treated differently")


def test_max(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    default = files / "default.yaml"
    default.write_text(POLICY.replace("forward:\n  default: drop", "forward:\n  default: accept"))
    both = str(files / "policy.yaml"), str(default)
    assert diff(*both, "--max", "1") == 1
    out = capsys.readouterr().out
    assert "\n1. " in out
    assert "\n2. " not in out
    assert "smaller ones are not shown (--max)" in out
    assert diff(*both, "--max", "0") == 1
    assert "\n2. " in capsys.readouterr().out


def test_a_set_is_given(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    without = files / "without.yaml"
    without.write_text(POLICY.replace("    - drop from @banned\n", ""))
    both = str(files / "policy.yaml"), str(without)
    assert diff(*both) == 1
    assert "saddr in @banned" in capsys.readouterr().out
    assert diff(*both, "--set", "banned=198.51.100.7,203.0.113.0/28") == 1
    out = capsys.readouterr().out
    assert "@banned" not in out.replace("`drop from @banned`", "")
    assert "tcp/22 from 198.51.100.7\n" in out
    assert "from 198.51.100.7, 203.0.113.0/28" in out
    assert diff(*both, "--set", "banned=") == 0
    assert "no packet is treated differently" in capsys.readouterr().out


def test_effects(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logging = files / "logging.yaml"
    logging.write_text(POLICY.replace("    - drop from @banned\n", "    - 'drop from @banned log \"banned: \"'\n"))
    both = str(files / "policy.yaml"), str(logging)
    assert diff(*both) == 0
    assert diff(*both, "--effects") == 1
    assert 'effects: nothing => log "banned: " level warn: any -> host, any' in capsys.readouterr().out


def test_an_honest_answer_within_the_budget(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(str(files / "policy.yaml"), str(files / "less.yaml"), "--budget", "50") == 1
    out = capsys.readouterr().out
    assert "undecided: received: undecided within 50 nodes" in out
    assert "treated differently" not in out


def test_only_the_kernel_knows(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = [
        "polc: 1\ninput:\n  default: drop\n  rules:\n"
        f"    - native: {{nft: 'meta iif lo', iptables: '-m foo'}}\n    - accept tcp/{port}\n"
        for port in (22, 23)
    ]
    paths = [files / "one.yaml", files / "two.yaml"]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    assert diff(str(paths[0]), str(paths[1])) == 1
    assert "only the kernel knows" in capsys.readouterr().out
    # What is the same word for word is the same.
    assert diff(str(paths[0]), str(paths[0])) == 0


def test_one_family_alone_is_compared_and_told(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(f"{files}/out/rules.v4,{files}/out/sets.ipset", str(files / "policy.yaml")) == 0
    assert capsys.readouterr().out.endswith("no packet is treated differently (only IPv4 is compared)\n")


WRONG = {
    "no such file": (["{files}/nowhere.yaml", "{files}/policy.yaml"], "POL001"),
    "empty directory": (["{files}", "{files}/policy.yaml"], "POL001"),
    "sets alone": (["{files}/out/sets.ipset", "{files}/policy.yaml"], "POL068"),
    "no firewall": (["{files}/other.txt", "{files}/policy.yaml"], "POL"),
    "standard input twice": (["-", "-"], "standard input can be read once"),
    "no such set": (
        ["{files}/policy.yaml", "{files}/less.yaml", "--set", "bannd=192.0.2.1"],
        "there is no set `bannd`",
    ),
    "no address": (["{files}/policy.yaml", "{files}/less.yaml", "--set", "banned=x"], "`x` is not an IPv4 address"),
    "no elements": (["{files}/policy.yaml", "{files}/less.yaml", "--set", "banned"], "write NAME=ADDRESSES"),
    "negative": (["{files}/policy.yaml", "{files}/less.yaml", "--max", "-1"], "--max takes a number"),
    "no budget": (["{files}/policy.yaml", "{files}/less.yaml", "--budget", "0"], "--budget takes a number"),
    "nothing in common": (["{files}/out/rules.v4,{files}/out/sets.ipset", "{files}/v6.save"], "nothing to compare"),
}


@pytest.mark.parametrize(("words", "said"), WRONG.values(), ids=WRONG)
def test_wrong_input(words: list[str], said: str, files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "other.txt").write_text("the quick brown fox\n")
    (files / "v6.save").write_text("# Generated by ip6tables-save\n*filter\n:INPUT DROP [0:0]\nCOMMIT\n")
    assert diff(*(one.format(files=files) for one in words)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err


# The live kernel, in a network namespace of its own


def in_a_namespace(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["unshare", "-rn", "sh", "-euc", script], capture_output=True, text=True, check=False,
        env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip


def test_the_live_kernel_with_nft(files: Path) -> None:
    polc = f"{sys.executable} -m polc diff"
    load = f"nft -j -f {files}/rules.json"
    done = in_a_namespace(f"{load}; {polc} live:nft {files}/policy.yaml")
    assert (done.returncode, done.stdout) == (
        0, f"live:nft -> {files}/policy.yaml: no packet is treated differently\n"
    ), done.stderr  # fmt: skip
    drifted = in_a_namespace(
        f"{load}; nft add rule inet polc input tcp dport 9999 accept; {polc} {files}/policy.yaml live:nft"
    )
    assert drifted.returncode == 1
    assert "drop => accept: any -> host, tcp/9999" in drifted.stdout
    assert "live:nft:" in drifted.stdout


def test_the_live_kernel_with_iptables(files: Path) -> None:
    polc = f"{sys.executable} -m polc diff"
    plain = POLICY.replace("    - drop from @banned\n", "")
    (files / "plain.yaml").write_text(plain)
    assert main(["compile", str(files / "plain.yaml"), "--target", "iptables", "-o", f"{files}/plain/"]) == 0
    load = f"iptables-restore < {files}/plain/rules.v4; ip6tables-restore < {files}/plain/rules.v6"
    done = in_a_namespace(f"{load}; {polc} {files}/plain.yaml live:iptables")
    assert done.returncode == 0, done.stdout + done.stderr
    drifted = in_a_namespace(
        f"{load}; iptables -I INPUT -p tcp --dport 23 -j ACCEPT; {polc} {files}/plain.yaml live:iptables"
    )
    assert drifted.returncode == 1
    assert "drop => accept: any -> host, tcp/23" in drifted.stdout
    assert "live:iptables.v4:" in drifted.stdout


def test_a_machine_without_the_tool() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import polc.kernel.programs as p; p.SYSTEM_PATH = ''\n"
         "import sys; from polc.cli.main import main; sys.exit(main(['diff', 'live:nft', sys.argv[1]]))", str(GATEWAY)],
        capture_output=True, text=True, check=False, env={"PATH": "/nowhere"},
        cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert done.returncode == 3
    assert "POL601" in done.stderr
