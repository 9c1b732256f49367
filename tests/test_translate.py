"""``polc translate``: what is exact is written, for all files together or not at all; what is not is told."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from polc.cli.main import main
from polc.diagnostics.codes import CODES

SAVE = """\
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:web - [0:0]
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m multiport --dports 80,443 -j web
-A web -s 198.51.100.0/24 -m comment --comment "the office" -j ACCEPT
COMMIT
"""
SSH = """\
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp --dport 22 -m state --state NEW -m recent --set
-A INPUT -p tcp --dport 22 -m state --state NEW -m recent --update --seconds 100 --hitcount 10 -j DROP
COMMIT
"""
OPAQUE = SAVE.replace("-A INPUT -p tcp", "-A INPUT -m string --string x --algo bm -j DROP\n-A INPUT -p tcp")


def write(folder: Path, text: str, name: str = "rules.v4") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["translate", *arguments])
    told = capsys.readouterr()
    return status, told.out, told.err


def test_a_file_of_iptables_becomes_a_table_of_nft(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, write(tmp_path, SAVE), "--to", "nft", "--format", "text", "--table", "old")
    assert (status, err) == (0, "3 rules on nft\n")
    assert "table ip old" in out
    assert "policy drop" in out
    assert "jump web" in out
    assert "the office" in out


def test_both_families_are_one_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    four, six = write(tmp_path, SAVE), write(tmp_path, SAVE.replace("198.51.100.0/24", "2001:db8::/32"), "rules.v6")
    status, out, _ = run(capsys, four, six, "--to", "nft", "--format", "text")
    assert status == 0
    assert out.count("ct state established,related accept") == 1
    assert "198.51.100.0/24" in out
    assert "2001:db8::/32" in out


def test_there_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    assert run(capsys, write(tmp_path, SAVE), "--to", "nft", "-o", str(folder))[0] == 0
    status, _, err = run(capsys, str(folder / "ruleset.nft.json"), "--to", "iptables", "-o", str(folder))
    assert (status, err) == (0, "3 rules on iptables\n")
    lines = (folder / "rules.v4").read_text().splitlines()
    assert ":INPUT DROP [0:0]" in lines
    assert any("--dports 80,443" in line and line.endswith("-j web") for line in lines)


def test_the_question_that_polc_came_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, SSH)
    status, out, err = run(capsys, path, "--to", "nft", "--format", "text")
    assert (status, out) == (1, "")
    assert "approximate on nft (`hits-as-ban`)" in err
    assert f"--> {path}:5:1" in err or f"--> {path}:6:1" in err
    status, out, err = run(capsys, path, "--to", "nft", "--format", "text", "--allow-approximate", "hits-as-ban")
    assert status == 0
    assert "note[POL401]" in err
    status, out, _ = run(capsys, path, "--to", "iptables")
    assert status == 0
    assert "--update --seconds 100 --hitcount 10" in out


def test_what_cannot_be_said_is_told_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, OPAQUE)
    status, out, err = run(capsys, path, "--to", "nft", "-o", str(tmp_path / "out"), "--allow-approximate")
    assert (status, out) == (1, "")
    assert "error[POL402]" in err
    assert f"--> {path}:7:" in err
    assert "4 rules: 1 thing is not exact on nft, nothing is written" in err
    assert not (tmp_path / "out").exists()
    status, out, _ = run(capsys, path, "--to", "iptables")
    assert status == 0
    assert "-m string --string" in out


@pytest.mark.parametrize("form", ["json", "text"])
def test_several_tables_are_one_file(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, tables("ip filter input", "ip nat prerouting", "ip6 filter input"), "rules.json")
    status, out, _ = run(capsys, path, "--to", "nft", "--format", form)
    assert status == 0
    if form == "json":
        added = [one["add"]["table"] for one in json.loads(out)["nftables"] if "table" in one.get("add", {})]
        assert len(added) == 6
        assert run(capsys, write(tmp_path, out, "again.json"), "--to", "nft")[0] == 0
    else:
        assert [line for line in out.splitlines() if line.startswith("table")] == [
            "table ip filter {", "table ip nat {", "table ip6 filter {",
        ]  # fmt: skip


def test_tables_of_nft_are_those_of_iptables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, tables("ip filter input", "ip nat prerouting", "ip6 filter input"), "rules.json")
    out = tmp_path / "out"
    assert run(capsys, path, "--to", "iptables", "-o", str(out))[0] == 0
    assert sorted(one.name for one in out.iterdir()) == ["rules.v4", "rules.v6"]
    assert {"*filter", "*nat"} <= {*(out / "rules.v4").read_text().splitlines()}
    assert "-A INPUT" in (out / "rules.v6").read_text()


def test_tables_that_iptables_cannot_hold_beside_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two chains at one hook: what the first accepts, the second sees."""
    path = write(tmp_path, tables("ip filter input", "ip other input", "ip third input"), "rules.json")
    for target in ("iptables", "policy"):
        status, out, err = run(capsys, path, "--to", target, "-o", str(tmp_path / "out"))
        assert (status, out) == (1, "")
        assert "nothing is written" in err
        assert not (tmp_path / "out").exists()
    assert run(capsys, path, "--to", "nft")[0] == 0
    path = write(tmp_path, CODES["POL543"].example, "rules.json")
    status, _, err = run(capsys, path, "--to", "iptables", "-o", str(tmp_path / "out"))
    assert status == 1
    assert "error[POL543]" in err


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("polc: 1\ninput: {default: drop}\n", "POL069"),
        ("hello\n", "POL069"),
        (" \n\n", "POL004"),
        ("\x00\x01*filter\n", "POL003"),
        ("create banned hash:ip family inet\n", "POL068"),
        ('{"nftables": []}', "POL068"),
        ('{"nftables": [', "POL007"),
        ("*filter\n-A INPUT -p tcp --dprt 1\n", "POL5"),
    ],
)
def test_bad_input(text: str, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, text)
    for target in ("nft", "iptables", "policy"):
        status, out, err = run(capsys, path, "--to", target, "-o", str(tmp_path / "out"))
        assert (status, out) == (2, "")
        assert f"error[{code}" in err
        assert f"--> {path}:" in err
    assert not (tmp_path / "out").exists()


def test_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "latin").write_bytes(b"*filter\n# caf\xe9\n")
    for name, code in ((".", "POL001"), ("missing", "POL001"), ("latin", "POL002")):
        status, out, err = run(capsys, str(tmp_path / name), "--to", "policy")
        assert (status, out) == (2, "")
        assert f"error[{code}]" in err


def test_a_set_that_no_file_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its type is not known, so the rule keeps its words, and is told of."""
    path = write(tmp_path, SAVE.replace("-A web", "-A web -m set --match-set banned src"))
    status, out, err = run(capsys, path, "--to", "nft")
    assert (status, out) == (1, "")
    assert "the set `banned` is in none of the files" in err
    assert run(capsys, path, "--to", "iptables")[0] == 0
    status, out, err = run(capsys, path, "--to", "policy")
    assert status == 0
    assert 'native: {iptables: "-m set --match-set banned src"}' in out
    assert "note[POL542]" in err


NFT = """\
#!/usr/sbin/nft -f
flush ruleset
define LAN = eth1
table inet filter {
    set admins { type ipv4_addr; elements = { 192.0.2.1, # one of them
        192.0.2.7 } }
    chain input {
        type filter hook input priority 0; policy drop;
        ct state established,related accept; ct state invalid drop
        iif lo accept   # { not a block
        iifname $LAN tcp dport { 22,
            80 } accept comment "a; b }"

        ip saddr @admins jump web
    }
    chain web { tcp dport 443 accept; }
}
add rule inet filter web counter drop
insert rule inet filter web udp dport 443 accept
"""
NFT_PLACES = [
    (9, "use stateful"),
    (9, "use stateful"),
    (10, "use loopback"),
    (11, 'accept ssh, http from eth1 comment "a; b }"'),
    (14, "jump web from @admins"),
    (16, "accept https"),
    (18, "drop counter"),
    (19, "accept http3"),
]


@pytest.mark.kernel("nft")
def test_text_of_nft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Each rule has its line in the text, which nft itself says nothing of."""
    path = write(tmp_path, NFT, "rules.nft")
    report = tmp_path / "report.json"
    arguments = ("--to", "policy", "--report", str(report), "--report-format", "json")
    assert run(capsys, path, *arguments)[0] == 0
    rules = json.loads(report.read_text())["rules"]
    assert {one["file"] for one in rules} == {path}
    assert [(one["line"], one["became"][0]["words"]) for one in rules] == NFT_PLACES
    monkeypatch.setattr(sys, "stdin", type("Input", (), {"buffer": io.BytesIO(NFT.encode())}))
    status, out, _ = run(capsys, "-", "--to", "nft", "--format", "text")
    assert status == 0
    assert "policy drop" in out
    # What it includes is in no line of its own: then nobody guesses.
    (tmp_path / "more.nft").write_text("add rule inet filter web tcp dport 8443 accept\n")
    path = write(tmp_path, f'{NFT}include "more.nft"\n', "rules.nft")
    assert run(capsys, path, *arguments)[0] == 0
    files = [one["file"] for one in json.loads(report.read_text())["rules"]]
    assert files == [path] * 5 + [f"{path} as nft lists it"] * 4


@pytest.mark.kernel("nft")
def test_text_that_nft_does_not_take(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, NFT.replace("dport 443", "dprt 443"), "rules.nft")
    status, out, err = run(capsys, path, "--to", "policy")
    assert (status, out) == (2, "")
    assert "error[POL536]" in err
    assert f"--> {path}:16:" in err


def test_text_of_nft_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("polc.kernel.programs.shutil.which", lambda *_, **__: None)
    status, out, err = run(capsys, write(tmp_path, NFT, "rules.nft"), "--to", "policy")
    assert (status, out) == (3, "")
    assert "error[POL601]: `nft` is not installed" in err


QUESTION = {
    "-m state NEW --state -m recent --set": ("NEW", "did you mean `-m state --state NEW`?"),
    "-m state -state NEW -m recent --set": ("-state", "did you mean `--state`?"),
    "-m state --state NEW -m recent -set": ("-set", "did you mean `--set`?"),
    "-m state --stat NEW,ESTABLISHD -m recent --set": ("NEW,ESTABLISHD", "`ESTABLISHED`"),
    "-m recent --hitcount 10": ("recent", "needs `--set`"),
    "\u2013\u2013state NEW": ("\u2013\u2013state", "did you mean `--state`?"),
    "-m state --state NEW -j DORP": ("DORP", "did you mean `DROP`?"),
}


@pytest.mark.parametrize("words", QUESTION)
@pytest.mark.parametrize("script", [False, True])
def test_mistakes_of_the_question(words: str, script: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was meant is told, at its column, and the line below is read all the same."""
    line = f"-A INPUT -p tcp --dport 22 {words}"
    again = "-A INPUT -p tcp --dprt 22 -j DROP"
    text = f"iptables {line}\niptables {again}\n" if script else f"*filter\n{line}\n{again}\nCOMMIT\n"
    path = write(tmp_path, text)
    status, out, err = run(capsys, path, "--to", "policy")
    assert (status, out) == (2, "")
    where, meant = QUESTION[words]
    number = 1 if script else 2
    column = text.splitlines()[number - 1].index(where) + 1
    assert f"--> {path}:{number}:{column}\n" in err
    assert meant in err
    assert f"--> {path}:{number + 1}:" in err
    assert "^" in err


def test_the_question_as_a_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, write(tmp_path, SSH), "--to", "policy")
    assert status == 0
    assert "    - drop ssh state new hits 10 in 100s per source refresh\n" in out
    script = "#!/bin/sh\n" + "".join(f"iptables {line}\n" for line in SSH.splitlines() if line.startswith("-A"))
    assert run(capsys, write(tmp_path, script, "firewall.sh"), "--to", "policy")[1] == out


def test_agreement_by_name_or_to_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, SSH)
    for arguments, wanted in (
        ((), 1),
        (("--allow-approximate",), 0),
        (("--allow-approximate", "all"), 0),
        (("--allow-approximate", "hits-as-ban"), 0),
        (("--allow-approximate", "other,hits-as-ban"), 0),
        (("--allow-approximate=other",), 1),
    ):
        status, out, _ = run(capsys, path, "--to", "nft", *arguments)
        assert status == wanted
        assert bool(out) is (wanted == 0)
    assert run(capsys, "--to", "nft", "--allow-approximate", "all", path)[0] == 0
    # Behind an option that may go without a value a file is none.
    with pytest.raises(SystemExit) as stopped:
        run(capsys, "--to", "nft", "--allow-approximate", path, path)
    assert stopped.value.code == 2
    assert "is no name of an approximation" in capsys.readouterr().err


def tables(*names: str) -> str:
    """Tables of nft, each with a chain at a hook that has a rule."""
    found: list[object] = []
    for name in names:
        family, table, hook = name.split()
        place = {"family": family, "table": table}
        kind, prio = ("filter", 0) if hook == "input" else ("nat", -100)
        chain = {**place, "name": hook, "type": kind, "hook": hook, "prio": prio, "policy": "accept"}
        port = {"match": {"left": {"payload": {"protocol": "tcp", "field": "dport"}}, "op": "==", "right": 22}}
        found += [{"add": {"table": {"family": family, "name": table}}}, {"add": {"chain": chain}}]
        found.append({"add": {"rule": {**place, "chain": hook, "expr": [port, {"accept": None}]}}})
    return json.dumps({"nftables": found})


def test_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, SAVE)
    assert run(capsys, path, "--to", "nft", "--format", "restore")[0] == 2
    assert run(capsys, path, "--to", "nft", "--layout", "coexist")[0] == 2
    assert run(capsys, "-", "-", "--to", "nft")[0] == 2
    both = write(tmp_path, SAVE.replace("198.51.100.0/24", "2001:db8::/32"), "rules.v6")
    assert run(capsys, path, both, "--to", "iptables")[0] == 2


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Input:
        buffer = io.BytesIO(SAVE.encode())

    monkeypatch.setattr(sys, "stdin", Input())
    assert run(capsys, "-", "--to", "nft")[0] == 0
