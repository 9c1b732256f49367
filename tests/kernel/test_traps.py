"""The traps of the field, one test each: where other tools or a quick reading go wrong, and what polc does instead.

Traps that whole files are about have their tests there; ``ELSEWHERE`` names them.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from compiled import every_loader, load
from gateway import Fate, ask, gateway
from lab import Lab
from packet_text import Packet, parse_test

from polc.backends.model import Options, Output, OutputFile
from polc.backends.registry import BACKENDS
from polc.compiler import compile_policy
from polc.diagnostics import Failure
from polc.ir.matches import InterfaceMatch, InterfacePattern, PortTerm, ServiceMatch
from polc.ir.protocols import UDP
from polc.ir.ruleset import BaseChain, ChainType, Hook, Rule, Ruleset
from polc.ir.selectors import Direction
from polc.ir.stateful import KeyField, KeyPart, Limit, Rate, Unit
from polc.ir.verdicts import Accept, Drop
from polc.kernel.loaders import LOADERS, Loader
from polc.kernel.netns import Namespace, ScratchNamespace
from polc.kernel.stage.fate import Verdict
from polc.kernel.stage.stage import Stage
from polc.passes import pipeline
from polc.simulate import read_packet
from polc.simulate.host_text import read_host
from polc.source import SourceFile

TESTS = Path(__file__).parents[1]
ELSEWHERE = {
    "helpers are attached by no kernel, and on each target at another place": (
        "kernel/test_ftp_active.py",
        "test_only_the_data_connection_fails_without",
    ),
    "a sliding window has no form in nft: what admins want of it holds all the same": (
        "kernel/test_ssh_guard.py",
        "test_refresh_keeps_a_source_out_that_goes_on",
    ),
    "a limit in front of everything cuts established sessions": (
        "kernel/test_ssh_guard.py",
        "test_without_state_new_a_session_is_cut",
    ),
}
"""The trap -> the file and the function that hold it."""

HEAD = "polc: 1\nzones: {wan: eth0, lan: eth1}\n"
EMPTY_FORWARD = "forward: {default: accept}\n"


def packets(*texts: str) -> list[Packet]:
    return [parse_test(f"accept {text}")[1] for text in texts]


def fates(loader: Loader, policy: str, folder: Path, *texts: str) -> list[str]:
    """What becomes of packets, one after the other, in a gateway with the policy."""
    with gateway() as namespace:
        load(loader, namespace, policy, folder)
        return verdicts(ask(namespace, packets(*texts)))


def verdicts(found: list[Fate]) -> list[str]:
    return [fate.verdict for fate in found]


def run(namespace: Namespace, *argv: str, input: str = "") -> str:
    done = namespace.run(list(argv), input=input)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("trap", ELSEWHERE)
def test_the_others_are_where_they_are_said_to_be(trap: str) -> None:
    file, name = ELSEWHERE[trap]
    assert f"\ndef {name}(" in (TESTS / file).read_text()


def passed_of_six_sources(loader: Loader, output: Output) -> int:
    """How many of five packets of each of six sources pass, one after the other in turns."""
    sent = packets(*(f"udp 198.51.100.{host}:9 -> host:53 in eth0" for _ in range(5) for host in range(1, 7)))
    with gateway() as namespace:
        loader.load(namespace, output)
        return verdicts(ask(namespace, sent)).count("accept")


@pytest.mark.kernel("nft")
def test_a_limit_without_room_is_open_on_nft() -> None:
    limit = Limit(Rate(1, Unit.DAY), 1, True, (KeyPart(KeyField.SOURCE),), "few", size=2)
    over = Rule((ServiceMatch((PortTerm(UDP),)), limit), Drop())
    base = BaseChain("input", ChainType.FILTER, Hook.INPUT, 0, Accept(), (over,))
    output = BACKENDS["nft"].emit(pipeline.run(Ruleset((base,))), Options("json"))
    # Two sources are held to one packet each; for the others the rule is broken off.
    assert passed_of_six_sources(LOADERS[0], output) == 2 * 1 + 4 * 5


@pytest.mark.kernel("iptables-nft", "iptables-legacy", "hashlimit")
@pytest.mark.parametrize("loader", LOADERS[1:], ids=lambda one: one.name)
def test_a_limit_without_room_is_closed_on_iptables(loader: Loader) -> None:
    """xt_hashlimit drops the packet itself (hotdrop). Its table has room for as many as it has buckets, at least."""
    words = "--hashlimit-above 1/day --hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-name few"
    room = "--hashlimit-htable-size 2 --hashlimit-htable-max 2"
    rule = f"-A INPUT -p udp -m hashlimit {words} {room} -j DROP"
    output = Output((OutputFile("rules.v4", f"*filter\n:INPUT ACCEPT [0:0]\n{rule}\nCOMMIT\n"),))
    assert passed_of_six_sources(loader, output) == 2


@pytest.mark.kernel("nft")
def test_an_accept_is_only_of_its_own_base_chain(tmp_path: Path) -> None:
    policy = HEAD + "input: {default: drop, rules: [accept tcp/22]}\n" + EMPTY_FORWARD
    other = "table inet other { chain late { type filter hook input priority 10; tcp dport 22 drop; }; }"
    with gateway() as namespace:
        load(LOADERS[0], namespace, policy, tmp_path)
        sent = packets("tcp 198.51.100.9 -> host:22 in eth0")
        assert verdicts(ask(namespace, sent)) == ["accept"]
        run(namespace, "nft", "-f", "-", input=other)
        assert verdicts(ask(namespace, sent)) == ["drop"]


@every_loader()
def test_a_service_is_of_both_families_and_a_default_drop_needs_discovery(loader: Loader, tmp_path: Path) -> None:
    policy = "polc: 1\ninput: {default: drop, rules: [%s accept tcp/22]}\n"
    for macro, answer in (("", "timeout"), ("use icmp-essentials, ", "connected")):
        with Lab("server", "client") as lab:
            lab.peer("server", "tcp_server.py", "22")
            load(loader, lab["server"].namespace, policy % macro, tmp_path)
            client = lab.peer("client", "tcp_client.py")
            assert client.ask("connect", lab["server"].ip, 22, 0.5) == "connected"
            found = client.ask("connect", lab["server"].ip6, 22, 0.5)
            assert (found == "connected") is (answer == "connected"), found


@every_loader("conntrack", "nat")
def test_filter_rules_see_the_new_destination(loader: Loader, tmp_path: Path) -> None:
    policy = HEAD + "nat: ['dnat tcp/8080 from wan to 203.0.113.1 -> 192.0.2.10:80']\n"
    sent = ("tcp 198.51.100.9 -> host:8080 in eth0", "tcp 198.51.100.9 -> 192.0.2.10:80 in eth0")
    for rule, wanted in (
        ("accept tcp/8080 to 203.0.113.1", ["drop", "drop"]),
        ("accept tcp/80 to 192.0.2.10", ["accept", "accept"]),
        ("accept tcp/80 where ct status dnat", ["accept", "drop"]),
    ):
        rules = f"forward: {{default: drop, rules: ['{rule}']}}\n"
        assert fates(loader, policy + rules, tmp_path, *sent) == wanted, rule


@pytest.mark.kernel("nft")
def test_hours_are_of_one_zone_wherever_they_are_loaded(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(HEAD + "input: {default: drop, rules: ['accept tcp/22 where meta hour 22:00-06:00']}\n")
    text, listed = compile_policy(str(path), "nft", "text").files[0].text, set()
    for zone in ("UTC", "Asia/Tokyo", "America/New_York"):
        with ScratchNamespace() as namespace:
            run(namespace, "env", f"TZ={zone}", "nft", "-f", "-", input=text)
            listed.add(run(namespace, "env", "TZ=UTC", "nft", "list", "table", "inet", "polc"))
    assert len(listed) == 1


@every_loader()
def test_overlapping_addresses_are_one_set(loader: Loader, tmp_path: Path) -> None:
    groups = (
        "addresses: {all: [198.51.100.0/24, 198.51.100.9, 198.51.100.128-198.51.101.3, 198.51.100.0/25, 10.0.0.1]}\n"
    )
    policy = HEAD + groups + "input: {default: drop, rules: [accept from @all]}\n" + EMPTY_FORWARD
    sent = [f"udp {address}:9 -> host:9 in eth0" for address in ("198.51.100.9", "198.51.101.3", "198.51.101.4")]
    assert fates(loader, policy, tmp_path, *sent) == ["accept", "accept", "drop"]


def test_a_set_with_times_says_so_and_nothing_is_destroyed(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(
        "polc: 1\naddresses: {banned: {dynamic: true, timeout: 1h}}\n"
        "input: {default: drop, rules: [drop from @banned, drop tcp/22 over 3/minute per source ban @banned 5m]}\n"
    )
    commands = json.loads(compile_policy(str(path), "nft").files[0].text)["nftables"]
    sets = [one["add"]["set"] for one in commands if "set" in one.get("add", ())]
    assert [one for one in sets if one.get("timeout") and "timeout" not in one["flags"]] == []
    assert all(one["size"] for one in sets)
    # `destroy` is unknown to nft before 1.0.8 and Linux before 6.3.
    assert {word for one in commands for word in one} == {"metainfo", "add", "delete"}


@every_loader()
def test_wildcards_are_each_target_s_own(loader: Loader, tmp_path: Path) -> None:
    policy = "polc: 1\nzones: {any: 'eth*'}\ninput: {default: drop, rules: [accept from any]}\n" + EMPTY_FORWARD
    assert fates(loader, policy, tmp_path, "udp 198.51.100.9:9 -> host:9 in eth0") == ["accept"]


@pytest.mark.kernel("nft")
def test_a_name_that_ends_in_a_wildcard_s_sign_is_that_name_alone() -> None:
    def output(name: str, target: str) -> Output:
        match = InterfaceMatch(Direction.IN, (InterfacePattern(name),))
        base = BaseChain("input", ChainType.FILTER, Hook.INPUT, 0, Drop(), (Rule((match,), Accept()),))
        return BACKENDS[target].emit(pipeline.run(Ruleset((base,))), Options(BACKENDS[target].formats[0]))

    assert [one.name for one in output("eth+", "iptables").deviations] == ["interface-name"]
    sent = packets("udp 198.51.100.9:9 -> host:9 in eth0")
    for name in ("eth*", "eth+"):
        with gateway() as namespace:
            LOADERS[0].load(namespace, output(name, "nft"))
            assert verdicts(ask(namespace, sent)) == ["drop"], name


@every_loader()
def test_later_fragments_of_ipv6_have_no_ports_where_connections_are_tracked(loader: Loader, tmp_path: Path) -> None:
    """nft alone may read the ports of such a fragment from its IPv6 header (docs/targets.md): with conntrack none gets
    there.
    """
    path = tmp_path / "policy.yaml"
    path.write_text(f"{HEAD}input: {{default: drop, rules: [accept state established, accept udp/0-65535]}}\n")
    host = read_host(SourceFile("host", "eth0 203.0.113.1/24 2001:db8:1::1/64, ::/0 via eth0, 0.0.0.0/0 via eth0"))
    with Stage(host) as stage:
        stage.load(loader, compile_policy(str(path), loader.target))
        for source in ("198.51.100.9:9", "[2001:db8:9::9]:9"):
            sent = read_packet(f"udp {source} -> host:9 in eth0", host)
            assert stage.put(sent).verdict is Verdict.ACCEPT
            assert stage.put(replace(sent, fragment=True, payload=bytes(16))).verdict is Verdict.DROP


@every_loader("hashlimit")
@pytest.mark.parametrize("per", ["", " per source"])
def test_a_burst_that_nobody_wrote_is_five(loader: Loader, per: str, tmp_path: Path) -> None:
    rules = f"input: {{default: drop, rules: ['accept udp/9 limit 1/hour{per}']}}\n"
    sent = ["udp 198.51.100.9:9 -> host:9 in eth0"] * 8
    assert fates(loader, HEAD + rules + EMPTY_FORWARD, tmp_path, *sent) == ["accept"] * 5 + ["drop"] * 3


@every_loader()
def test_bits_are_no_values_of_a_set(loader: Loader, tmp_path: Path) -> None:
    """As `nft -o` takes them: a packet with one of two flags and others besides would not be an element."""
    rules = "input: {default: drop, rules: ['accept tcp/9 where tcp flags fin or tcp flags syn']}\n"
    flags = ("syn", "syn,ack", "fin,ack", "fin,syn,psh,urg", "ack", "rst,psh")
    sent = [f"tcp 198.51.100.9:{port} -> host:9 in eth0 flags {some}" for port, some in enumerate(flags, 1000)]
    assert fates(loader, HEAD + rules + EMPTY_FORWARD, tmp_path, *sent) == ["accept"] * 4 + ["drop"] * 2


def test_more_hits_than_the_kernel_remembers_are_an_error(tmp_path: Path) -> None:
    """xt_recent keeps at most 255 times of a source, and a module that was loaded without parameters 20."""
    path = tmp_path / "policy.yaml"
    path.write_text("polc: 1\ninput: {default: drop, rules: [drop ssh state new hits 256 in 100s per source]}\n")
    with pytest.raises(Failure) as found:
        compile_policy(str(path), "iptables")
    assert found.value.diagnostics[0].labels[0].span.line == 2


@pytest.mark.kernel("nft")
def test_tables_of_others_are_neither_flushed_nor_asked_for(tmp_path: Path) -> None:
    others = (
        "table ip filter { chain DOCKER-USER { counter packets 3 bytes 4; }; chain FORWARD { type filter hook forward "
        "priority 0; jump DOCKER-USER; }; }\ntable inet f2b-table { set addr-set { type ipv4_addr; elements = "
        "{ 198.51.100.66 }; }; chain f2b { type filter hook input priority -1; ip saddr @addr-set drop; }; }\n"
    )
    policy = HEAD + "input: {default: drop, rules: [accept tcp/22]}\n" + EMPTY_FORWARD
    with ScratchNamespace() as namespace:
        run(namespace, "nft", "-f", "-", input=others)
        before = run(namespace, "nft", "list", "ruleset")
        for _ in range(2):
            load(LOADERS[0], namespace, policy, tmp_path)
        run(namespace, "nft", "delete", "table", "inet", "polc")
        assert run(namespace, "nft", "list", "ruleset") == before
