"""Own chains beside those of Docker and fail2ban: what others have stays as it is, however often a policy is loaded."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from gateway import ask, gateway
from packet_text import parse_test

from polc.backends.iptables.load_script import SCRIPT
from polc.backends.model import IpsetUse, Layout, Output
from polc.cli.main import main
from polc.compiler import ANY_APPROXIMATION, compile_policy
from polc.diagnostics import Failure
from polc.kernel.loaders import LOADERS, IptablesLoader
from polc.kernel.netns import Namespace

IPTABLES = pytest.mark.parametrize(
    "loader",
    [pytest.param(one, marks=pytest.mark.kernel(one.name, "ipset", "nat"), id=one.name) for one in LOADERS[1:]],
)

# As Docker 27 and fail2ban 1.0 leave them, addresses aside; somebody's own rule in a table that no policy here names.
OTHERS = """\
*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -i eth7 -j MARK --set-xmark 0x7/0xffffffff
COMMIT
*nat
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
*filter
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-USER - [0:0]
:f2b-sshd - [0:0]
-A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-USER -j RETURN
-A f2b-sshd -s 198.51.100.66/32 -j REJECT --reject-with icmp-port-unreachable
-A f2b-sshd -j RETURN
COMMIT
"""
POLICY = """\
polc: 1
zones: {wan: eth0, lan: eth1}
services:
  ftp: {ports: tcp/21, helper: ftp}
input:
  default: drop
  rules:
    - return tcp/99
    - accept tcp/22
    - accept ftp state new
forward:
  default: drop
  rules: [jump guard from lan]
chains:
  guard: [accept tcp/80 to 198.51.100.0/24]
nat:
  - masquerade from lan to wan
  - dnat tcp/2222 from wan -> 192.0.2.10:22
"""
LESS = "polc: 1\ninput: {default: drop, rules: [accept tcp/443]}\n"


def compiled(directory: Path, text: str, ipset: IpsetUse = IpsetUse.AUTO) -> Output:
    path = directory / "policy.yaml"
    path.write_text(text)
    allow = frozenset({ANY_APPROXIMATION})
    return compile_policy(str(path), "iptables", layout=Layout.COEXIST, ipset=ipset, allow=allow)


def run(namespace: Namespace, *argv: str, input: str = "") -> str:
    done: subprocess.CompletedProcess[str] = namespace.run(argv, input=input)
    assert done.returncode == 0, done.stderr
    return done.stdout


def saved(namespace: Namespace, loader: IptablesLoader, tool: str = "iptables") -> list[str]:
    text = run(namespace, f"{tool}-{loader.variant}-save")
    return [line.split(" [")[0] for line in (*text.splitlines(), "") if not line.startswith("#")]


def others(lines: list[str]) -> list[str]:
    """Tables without what is ours; one that does nothing is none, though it is there once it was looked at."""
    tables = "\n".join(line for line in lines if "polc-" not in line).split("COMMIT\n")
    return sorted(table for table in tables if "-A " in table or "DROP" in table)


def all_of(lines: list[str]) -> list[str]:
    tables = "\n".join(lines).split("COMMIT\n")
    return sorted(table for table in tables if "-A " in table or "DROP" in table)


def start(namespace: Namespace, loader: IptablesLoader) -> None:
    run(namespace, f"iptables-{loader.variant}-restore", input=OTHERS)


def check(namespace: Namespace, loader: IptablesLoader, output: Output) -> None:
    for emitted, listed in zip(output.files, loader.read_back(namespace, output), strict=True):
        assert loader.differences(emitted.text, listed.text) == ()


@IPTABLES
def test_what_others_have_stays(loader: IptablesLoader, scratch: Namespace, tmp_path: Path) -> None:
    start(scratch, loader)
    before = saved(scratch, loader)
    output = compiled(tmp_path, POLICY)
    loader.load(scratch, output)
    once = saved(scratch, loader)
    assert others(once) == others(before)
    check(scratch, loader, output)
    loader.load(scratch, output)
    assert saved(scratch, loader) == once


@IPTABLES
def test_ours_come_behind_those_of_others(loader: IptablesLoader, scratch: Namespace, tmp_path: Path) -> None:
    start(scratch, loader)
    loader.load(scratch, compiled(tmp_path, POLICY))
    # Somebody comes later; the next load does not get ahead, and does not get behind.
    run(scratch, f"iptables-{loader.variant}", "-A", "INPUT", "-i", "late0", "-j", "ACCEPT")
    loader.load(scratch, compiled(tmp_path, POLICY))
    assert [line for line in saved(scratch, loader) if line.startswith("-A INPUT ")] == [
        "-A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd",
        "-A INPUT -j polc-INPUT",
        "-A INPUT -i late0 -j ACCEPT",
    ]


@IPTABLES
def test_what_a_policy_has_no_more_goes(loader: IptablesLoader, scratch: Namespace, tmp_path: Path) -> None:
    start(scratch, loader)
    before = saved(scratch, loader)
    loader.load(scratch, compiled(tmp_path, POLICY))
    output = compiled(tmp_path, LESS)
    loader.load(scratch, output)
    now = saved(scratch, loader)
    assert others(now) == others(before)
    assert [line for line in now if "polc-" in line] == [
        ":polc-INPUT -",
        "-A INPUT -j polc-INPUT",
        '-A polc-INPUT -p tcp -m tcp --dport 443 -m comment --comment "policy.yaml:2" -j ACCEPT',
        "-A polc-INPUT -j DROP",
    ]
    check(scratch, loader, output)


@IPTABLES
def test_loaded_by_hand_a_second_time(loader: IptablesLoader, scratch: Namespace, tmp_path: Path) -> None:
    """Then jumps are there twice, and the script takes the others away again."""
    output = compiled(tmp_path, POLICY)
    (text,) = (file.text for file in output.files if file.name == "rules.v4")
    for _ in range(3):
        run(scratch, f"iptables-{loader.variant}-restore", "--noflush", input=text)
    assert saved(scratch, loader).count("-A INPUT -j polc-INPUT") == 3
    loader.load(scratch, output)
    assert saved(scratch, loader).count("-A INPUT -j polc-INPUT") == 1
    check(scratch, loader, output)


@IPTABLES
def test_a_jump_from_a_chain_of_others_stays(loader: IptablesLoader, scratch: Namespace, tmp_path: Path) -> None:
    start(scratch, loader)
    output = compiled(tmp_path, POLICY)
    loader.load(scratch, output)
    run(scratch, f"iptables-{loader.variant}", "-I", "DOCKER-USER", "-j", "polc-FORWARD")
    loader.load(scratch, output)
    assert saved(scratch, loader).count("-A DOCKER-USER -j polc-FORWARD") == 1
    assert saved(scratch, loader).count("-A FORWARD -j polc-FORWARD") == 1
    loader.load(scratch, compiled(tmp_path, LESS))
    assert not [line for line in saved(scratch, loader) if "polc-FORWARD" in line]


@IPTABLES
def test_a_jump_that_somebody_took_away_is_a_difference(
    loader: IptablesLoader, scratch: Namespace, tmp_path: Path
) -> None:
    output = compiled(tmp_path, POLICY)
    loader.load(scratch, output)
    run(scratch, f"iptables-{loader.variant}", "-D", "INPUT", "-j", "polc-INPUT")
    run(scratch, f"iptables-{loader.variant}", "-N", "polc-stale")
    (emitted,) = (file for file in output.files if file.name == "rules.v4")
    (listed,) = (file for file in loader.read_back(scratch, output) if file.name == "rules.v4")
    assert loader.differences(emitted.text, listed.text) == (
        "table filter: chain polc-stale was not emitted",
        "table filter, chain INPUT: rule 1 `-j polc-INPUT` is missing",
    )


@IPTABLES
@pytest.mark.parametrize("tenth", range(10))
def test_a_file_that_breaks_off_changes_nothing(
    loader: IptablesLoader, scratch: Namespace, tmp_path: Path, tenth: int
) -> None:
    start(scratch, loader)
    loader.load(scratch, compiled(tmp_path, LESS))
    before = saved(scratch, loader)
    output = compiled(tmp_path, POLICY)
    for broken in ("rules.v4", "rules.v6"):
        files = [
            replace(file, text=file.text[: len(file.text) * tenth // 10]) if file.name == broken else file
            for file in output.files
        ]
        with pytest.raises(Failure):
            loader.load(scratch, Output(tuple(files)))
        assert all_of(saved(scratch, loader)) == all_of(before)


@IPTABLES
@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("--dport 22 ", "--dport 99999 ", id="the tool"),
        # Of which the nft variant knows nothing before it asks the kernel, when rules.v4 is loaded.
        pytest.param("-A polc-INPUT ", "-A polc-INPUT -j absent\n-A polc-INPUT ", id="the kernel"),
    ],
)
def test_a_rule_that_is_refused_changes_nothing(
    loader: IptablesLoader, scratch: Namespace, tmp_path: Path, old: str, new: str
) -> None:
    start(scratch, loader)
    loader.load(scratch, compiled(tmp_path, LESS))
    before = saved(scratch, loader)
    output = compiled(tmp_path, POLICY)
    files = [
        replace(file, text=file.text.replace(old, new, 1)) if file.name == "rules.v6" else file for file in output.files
    ]
    assert Output(tuple(files)) != output
    with pytest.raises(Failure):
        loader.load(scratch, Output(tuple(files)))
    assert all_of(saved(scratch, loader)) == all_of(before)


@IPTABLES
def test_groups_change_with_the_policy(loader: IptablesLoader, scratch: Namespace, tmp_path: Path) -> None:
    text = "polc: 1\ninput:\n  default: drop\n  rules: ['accept tcp/22 from {}']\n"
    loader.load(scratch, compiled(tmp_path, text.format("192.0.2.0/24, 198.51.100.1"), IpsetUse.ALWAYS))
    output = compiled(tmp_path, text.format("192.0.2.0/24, 198.51.100.2"), IpsetUse.ALWAYS)
    assert [file.name for file in output.files] == ["sets.ipset", "rules.v4", "rules.v6", SCRIPT]
    for _ in range(2):
        loader.load(scratch, output)
        check(scratch, loader, output)


@IPTABLES
def test_the_fate_of_packets(loader: IptablesLoader, tmp_path: Path) -> None:
    """fail2ban's is asked before; `return` leads to the default; what others accept is accepted."""
    wanted = [
        parse_test(one)
        for one in (
            "reject tcp 198.51.100.66:4000 -> host:22 in eth0",
            "accept tcp 198.51.100.67:4000 -> host:22 in eth0",
            "drop tcp 198.51.100.67:4000 -> host:99 in eth0",
            "drop tcp 198.51.100.67:4000 -> host:23 in eth0",
            "accept tcp 192.0.2.7:4000 -> 198.51.100.9:80 in eth1",
            "drop tcp 192.0.2.7:4000 -> 198.51.100.9:81 in eth1",
        )
    ]
    with gateway() as namespace:
        start(namespace, loader)
        loader.load(namespace, compiled(tmp_path, POLICY.replace("  - masquerade from lan to wan\n", "")))
        fates = ask(namespace, [packet for _, packet in wanted])
    assert [one.verdict for one in fates] == [verdict for verdict, _ in wanted]


@pytest.mark.kernel("iptables-nft", "iptables-legacy", "ipset")
def test_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(LESS)
    assert main(["verify", str(path), "--target", "iptables", "--layout", "coexist", "--no-packets"]) == 0
    words = "rules.v4, rules.v6 and load.sh loaded in a scratch namespace, read back: same as compiled"
    assert capsys.readouterr().out == f"iptables-nft: {words}\niptables-legacy: {words}\n"


def test_names_of_other_programs_are_not_ours(tmp_path: Path) -> None:
    with pytest.raises(Failure) as refused:
        compiled(tmp_path, LESS.replace("polc: 1\n", "polc: 1\nsettings: {table: docker}\n"))
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.code == "POL402"


def test_chains_have_room_for_the_name_of_the_table(tmp_path: Path) -> None:
    text = LESS.replace("polc: 1\n", "polc: 1\nsettings: {table: a_table_with_a_long_name}\n")
    for file in compiled(tmp_path, text).files:
        for line in file.text.splitlines():
            assert not line.startswith(":") or len(line.split()[0]) <= 29
