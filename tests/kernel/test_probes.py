"""``polc verify`` sends packets about every rule: all as expected, and what is broken is seen."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from compiled import EXAMPLES, every_loader

from polc.backends.model import Output, OutputFile
from polc.cli.main import main
from polc.compiler import ANY_APPROXIMATION, emit, read
from polc.ir.family import Family
from polc.ir.matches import CtState
from polc.kernel.loaders import LOADERS, Loader, NftLoader
from polc.kernel.netns import Namespace
from polc.kernel.stage.fate import Verdict
from polc.kernel.stage.stage import Stage
from polc.probing.certify import certified, flavour_of
from polc.probing.make import plan
from polc.probing.paths import Path as Way
from polc.probing.paths import links_of
from polc.simulate.hooks import Loaded
from polc.simulate.packet import ACK, Packet, Presumed

ALL = pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "conntrack", "hashlimit", "recent", "nat")
POLICY = """\
polc: 1
zones: {wan: eth0, lan: eth1}
input:
  default: drop
  rules:
    - accept state established, related
    - {rule: accept tcp/22 from wan 192.0.2.0/24, id: ssh}
    - reject udp from wan
forward:
  default: drop
  rules: [accept from lan to wan, drop tcp/25]
nat:
  - masquerade from lan to wan
"""
SAVED = """\
*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -s 192.0.2.0/24 -i eth0 -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD ! -s 10.0.0.0/8 -p udp -m multiport --dports 53,123 -j REJECT
COMMIT
"""


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, object]]:
    status = main(["verify", "--output-format", "json", *arguments])
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return status, found


@ALL
@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_rule_of_every_example_decides_a_packet(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = report(capsys, str(path), "--allow-approximate")
    probes = found["probes"]
    assert status == 0, json.dumps(probes, indent=1)[:3000]
    assert isinstance(probes, dict)
    assert not probes["unreached"]
    for one in probes["loaders"]:
        assert one["decided"] == probes["rules"], one
        assert one["packets"] == probes["packets"] > 20
        assert not one["disagreements"]


@ALL
@pytest.mark.parametrize(("name", "text"), [("rules.v4", SAVED), ("policy.yaml", POLICY)])
def test_other_firewalls(name: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / name
    path.write_text(text)
    status, found = report(capsys, str(path))
    assert status == 0, found
    probes = found["probes"]
    assert isinstance(probes, dict)
    assert [one["decided"] for one in probes["loaders"]] == [probes["rules"]] * 3


@ALL
def test_a_listing_of_nft(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    path = tmp_path / "ruleset.json"
    path.write_text(emit(read(str(policy)), "nft").files[0].text)
    status, found = report(capsys, str(path), "--target", "nft")
    assert status == 0, found


def broken(output: Output, old: str, new: str) -> Output:
    """The output with something else in it."""
    assert any(old in file.text for file in output.files), old
    return replace(output, files=tuple(OutputFile(one.name, one.text.replace(old, new)) for one in output.files))


BREAKS = {
    "a port off by one": {"nft": ('"right":22', '"right":23'), "iptables": ("--dport 22 ", "--dport 23 ")},
    "a wider prefix": {"nft": ('"len":24', '"len":23'), "iptables": ("192.0.2.0/24", "192.0.2.0/23")},
    "another interface": {"nft": ('"right":"eth1"', '"right":"eth0"'), "iptables": ("-i eth1", "-i eth0")},
    "an answer that is none": {"nft": ('{"reject":{"type":"icmpx","expr":"port-unreachable"}}', '{"drop":null}'),
                               "iptables": ("-j REJECT --reject-with icmp-port-unreachable", "-j DROP")},
    "no NAT": {"nft": ('{"masquerade":null}', '{"accept":null}'), "iptables": ("-j MASQUERADE", "-j ACCEPT")},
}  # fmt: skip


@every_loader("conntrack", "nat")
@pytest.mark.parametrize("kind", BREAKS)
def test_what_is_broken_is_seen(loader: Loader, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    ruleset = read(str(path))
    made = plan((Loaded(ruleset, flavour_of(loader)),))
    output = emit(ruleset, loader.target, allow=frozenset({ANY_APPROXIMATION}))
    old, new = BREAKS[kind][loader.target]
    found = certified(made, (ruleset,), loader, broken(output, old, new))
    assert not found.problems
    assert found.disagreements


@ALL
def test_a_disagreement_says_what_and_why(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    ruleset = read(str(path))
    made = plan((Loaded(ruleset),))
    output = emit(ruleset, "nft")
    other = Output(tuple(OutputFile(one.name, one.text.replace("192.0.2.0", "192.0.4.0")) for one in output.files))
    found = certified(made, (ruleset,), NftLoader(), other, trace=True)
    one = next(each for each in found.disagreements if each.played.expected.verdict == "accept")
    assert one.played.seen.verdict == "drop"
    assert "trace id" in one.trace
    assert "verdict drop" in one.trace or "policy drop" in one.trace
    assert "polc-stage" not in one.trace


@ALL
def test_probes_are_written_and_sent_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy, probes, capture = (tmp_path / name for name in ("policy.yaml", "probes.json", "probes.pcap"))
    policy.write_text(POLICY)
    status, first = report(capsys, str(policy), "--write-probes", str(probes), "--write-probes", str(capture))
    assert status == 0
    assert capture.read_bytes()[:4] == b"\xd4\xc3\xb2\xa1"
    status, second = report(capsys, str(policy), "--probes", str(probes), "--loader", "nft")
    assert status == 0
    assert isinstance(first["probes"], dict)
    assert isinstance(second["probes"], dict)
    assert first["probes"]["packets"] == second["probes"]["packets"]
    # The same packets find the rule that is another one now.
    policy.write_text(POLICY.replace("tcp/22", "tcp/22-23"))
    status, _ = report(capsys, str(policy), "--probes", str(probes), "--loader", "iptables-legacy")
    assert status == 0


@pytest.mark.kernel("unprivileged", "nft", "iptables-nft", "iptables-legacy")
def test_an_ordinary_user_can(unprivileged: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "polc", "verify", str(EXAMPLES / "ssh-guard.yaml")]
    done = subprocess.run([*unprivileged, *command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("all as expected") == 3


def test_options_that_do_not_go_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "x", "--no-packets", "--trace"]) == 2
    assert main(["verify", "x", "--most", "0"]) == 2
    assert "polc verify: " in capsys.readouterr().err


@every_loader("conntrack")
def test_conntrack_is_told_of_flows(loader: Loader, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(
        "polc: 1\ninput:\n  default: drop\n  rules:\n    - accept tcp/1 state established\n"
        "    - accept udp/2 state related\n    - accept udp/3 where ct mark 7\n"
        "    - accept udp/4 where ct status assured\n"
    )
    ruleset = read(str(path))
    links = links_of((ruleset,))
    plain = links.packet(Way.INPUT, Family.IP, 0)
    udp = replace(plain, protocol=17, flags=0)
    states = {
        replace(plain, dport=1, flags=ACK, presumed=Presumed(CtState.ESTABLISHED)): True,
        replace(plain, dport=1, sport=1): False,
        replace(udp, dport=2, presumed=Presumed(CtState.RELATED)): True,
        replace(udp, dport=2, sport=1, presumed=Presumed(CtState.ESTABLISHED)): False,
        replace(udp, dport=3, presumed=Presumed(CtState.ESTABLISHED, mark=7)): True,
        replace(udp, dport=3, sport=1, presumed=Presumed(CtState.ESTABLISHED, mark=8)): False,
        replace(udp, dport=4, presumed=Presumed(CtState.ESTABLISHED, status=6)): True,
        replace(udp, dport=4, sport=1, presumed=Presumed(CtState.RELATED)): False,
    }
    packets: list[Packet] = list(states)
    with Stage(replace(links.host, described=True)) as stage:
        stage.load(loader, emit(ruleset, loader.target))
        fates = stage.put_all(packets)
    assert [one.verdict is Verdict.ACCEPT for one in fates] == list(states.values())


def test_loaders_have_flavours() -> None:
    assert [flavour_of(one).value for one in LOADERS] == ["nft", "iptables", "iptables"]


WATCHED = """
nft list ruleset; for one in iptables-legacy ip6tables-legacy iptables-nft; do $one-save -c | grep -v '^#'; done
ip -o link; ip -o address; ip route; ip netns; conntrack -L 2>&1
cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding /proc/sys/net/ipv4/icmp_ratemask
sysctl -a 2>/dev/null | grep -E 'nf_conntrack_(udp|tcp|icmp|gen)|rp_filter'
"""


@pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "conntrack")
def test_the_host_is_not_touched(scratch: Namespace) -> None:
    """A namespace stands for the host, with rules and flows of its own."""
    rules = "*filter\n-A INPUT -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n"
    scratch.run(["iptables-legacy-restore"], input=rules)
    scratch.run(["nft", "add table inet own; add chain inet own c { type filter hook input priority 0; }"])
    scratch.run(["sh", "-c", "ip link set lo up; ip link add eth0 type dummy; ip address add 192.0.2.1/24 dev eth0"])
    before = scratch.run(["sh", "-c", WATCHED]).stdout
    assert "table inet own" in before
    # With a /proc that shows the processes of this namespace.
    command = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", sys.executable, "-m", "polc", "verify"]
    done = scratch.run([*command, str(EXAMPLES / "ssh-guard.yaml")], timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("all as expected") == 3
    assert scratch.run(["sh", "-c", WATCHED]).stdout == before
