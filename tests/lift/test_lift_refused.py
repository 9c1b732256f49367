"""What cannot be put into a policy is refused, with the reason and the place; nothing is left out."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "importers"))

from importing import import_all, table
from lifting import listed, sound

from polc.diagnostics import Collector
from polc.importers.nft_json import read_nft_json
from polc.ir.family import Family
from polc.ir.ruleset import BaseChain, ChainType, Flowtable, Hook, Ruleset, TableFamily
from polc.ir.verdicts import Accept, Drop
from polc.lift import lift
from polc.source import SourceFile

SHARED = (
    "-m hashlimit --hashlimit-upto 5/min --hashlimit-mode srcip --hashlimit-name one --hashlimit-htable-expire 90000"
)
REFUSED = {
    "several tables at one hook": (
        "".join(table("-A INPUT -p tcp -j ACCEPT", name=name) for name in ("mangle", "filter", "security")),
        "the chain `security-input`: the chain `input` stands in the same section of a policy, `input`",
        "",
    ),
    "a count that rules share": (
        table(f"-A INPUT {SHARED} -j ACCEPT", f"-A FORWARD {SHARED} -j ACCEPT"),
        "it counts together with other rules, in `one`",
        f"-A INPUT {SHARED} -j ACCEPT",
    ),
    "a prefix for anything": (
        table("-A PREROUTING -i eth0 -j NETMAP --to 192.0.2.0/28", name="nat"),
        "a policy maps one prefix to another, and the rule does not say which",
        "-A PREROUTING -i eth0 -j NETMAP --to 192.0.2.0/28",
    ),
    "an interface that cannot be": (
        table("-A INPUT -i eth0:1 -j ACCEPT"),
        "`eth0:1` is not an interface name",
        "-A INPUT -i eth0:1 -j ACCEPT",
    ),
    "a longer time than a policy has": (
        table("-A INPUT -m recent --rcheck --seconds 90000001 -j DROP"),
        "is not a time such as",
        "-A INPUT -m recent --rcheck --seconds 90000001 -j DROP",
    ),
    "an unknown helper": (
        table("-A PREROUTING -p tcp -j CT --helper mine", name="raw"),
        "the kernel has no conntrack helper `mine`",
        "-A PREROUTING -p tcp -j CT --helper mine",
    ),
    "a new port without a new address": (
        table("-A PREROUTING -p tcp -j DNAT --to-destination :8080", name="nat"),
        "`dnat` needs an address",
        "-A PREROUTING -p tcp -j DNAT --to-destination :8080",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_rule(name: str) -> None:
    text, reason, place = REFUSED[name]
    (ruleset,), _ = import_all(text)
    policy = lift(ruleset)
    assert policy.text == "", "a policy without the rule would be another one"
    first = policy.refused[0]
    assert first.code == "POL540"
    assert first.message.startswith("this cannot be put into a policy: ")
    assert reason in first.message
    if place:
        assert first.span
        assert first.span.text == place


def test_all_of_them_are_told() -> None:
    lines = ["-A INPUT -i eth0:1 -j ACCEPT", "-A INPUT -p tcp -j DROP", "-A INPUT -i eth0:2 -j ACCEPT"]
    (ruleset,), _ = import_all(table(*lines))
    assert [one.span and one.span.text for one in lift(ruleset).refused] == [lines[0], lines[2]]


@pytest.mark.parametrize("family", [TableFamily.BRIDGE, TableFamily.ARP, TableFamily.NETDEV])
def test_other_packets(family: TableFamily) -> None:
    (one,) = lift(Ruleset((), family=family)).refused
    assert f"no table of family {family.value}" in one.message


def at(hook: Hook, priority: int, type: ChainType = ChainType.FILTER, name: str = "c") -> BaseChain:
    return BaseChain(name, type, hook, priority, Drop() if type is not ChainType.NAT else Accept(), ())


@pytest.mark.parametrize(
    ("chain", "section"),
    [
        (at(Hook.INPUT, 0), "input"),
        (at(Hook.INPUT, -10), "input"),
        (at(Hook.INPUT, 50), "input"),
        (at(Hook.FORWARD, 10), "forward"),
        (at(Hook.PREROUTING, -300), "raw-prerouting"),
        (at(Hook.PREROUTING, -301), "raw-prerouting"),
        (at(Hook.PREROUTING, -150), "mangle-prerouting"),
        (at(Hook.POSTROUTING, 0), "mangle-postrouting"),
        (at(Hook.OUTPUT, 0, ChainType.ROUTE), "output"),
        (at(Hook.PREROUTING, -100, ChainType.NAT), "nat-prerouting"),
        (at(Hook.PREROUTING, 0), ""),
        (at(Hook.POSTROUTING, 150), ""),
        (at(Hook.PREROUTING, -450), ""),
        (at(Hook.INPUT, 200), ""),
    ],
)
def test_where_base_chains_stand(chain: BaseChain, section: str) -> None:
    policy = lift(Ruleset((chain,)))
    assert policy.chains.get("c", "") == section
    assert bool(policy.refused) is not bool(section)


def test_chains_of_one_hook_keep_their_order() -> None:
    first, second = at(Hook.INPUT, -10, name="early"), at(Hook.INPUT, 0, name="late")
    assert lift(Ruleset((second, first))).chains == {"late": "input", "early": "mangle-input"}
    third = at(Hook.INPUT, 10, name="last")
    (one,) = lift(Ruleset((first, second, third))).refused
    assert "the chain `last`" in one.message


def nft(*objects: dict[str, object]) -> Ruleset:
    table = {"table": {"family": "inet", "name": "fw"}}
    text = json.dumps({"nftables": [table, *objects]})
    (ruleset,) = read_nft_json(SourceFile("fw.json", text), Collector())
    return ruleset


CHAIN = {
    "chain": {
        "family": "inet", "table": "fw", "name": "in", "type": "filter", "hook": "input", "prio": 0, "policy": "drop",
    }
}  # fmt: skip


def rule(*statements: dict[str, object], comment: str = "") -> dict[str, object]:
    words = {"family": "inet", "table": "fw", "chain": "in", "expr": list(statements)}
    return {"rule": {**words, **({"comment": comment} if comment else {})}}


def match(left: object, right: object, op: str = "==") -> dict[str, object]:
    return {"match": {"op": op, "left": left, "right": right}}


def payload(protocol: str, field: str) -> dict[str, object]:
    return {"payload": {"protocol": protocol, "field": field}}


def test_nft_in_words() -> None:
    accept: dict[str, object] = {"accept": None}
    ports = {"set": [22, {"range": [8000, 8010]}]}
    ruleset = nft(
        CHAIN,
        rule(
            {
                "vmap": {
                    "key": {"ct": {"key": "state"}},
                    "data": {"set": [["established", {"accept": None}], ["invalid", {"drop": None}]]},
                }
            }
        ),
        rule(
            match({"meta": {"key": "iifname"}}, {"set": ["eth0", "wg*"]}),
            match(payload("tcp", "dport"), ports),
            {"counter": {"packets": 5, "bytes": 9}},
            accept,
            comment="admins",
        ),
        rule(
            match(payload("ip", "saddr"), {"prefix": {"addr": "192.0.2.0", "len": 24}}),
            {"log": {"prefix": "x"}},
            {"drop": None},
        ),
        rule(match(payload("tcp", "dport"), 80), match({"meta": {"key": "cpu"}}, 1), accept),
        rule({"reject": {"type": "icmpx", "expr": "admin-prohibited"}}),
    )
    policy = sound(ruleset)
    assert "settings:\n  table: fw" in policy.text
    assert policy.chains == {"in": "input"}
    rules = listed(policy.text, "input")
    assert rules[1:] == [
        'accept tcp/22,8000-8010 from eth0, wg counter comment "admins"',
        'drop from 192.0.2.0/24 log "x"',
        "accept http where meta cpu 1",
        "reject with admin-prohibited",
    ]


def test_nft_that_the_language_has_no_words_for() -> None:
    random = match({"osf": {"key": "name", "ttl": "skip"}}, "Linux")
    policy = sound(nft(CHAIN, rule(random, {"accept": None})))
    (native,) = policy.natives
    assert native.words == "accept"
    assert "- {rule: accept, native: {nft_json: [{match:" in policy.text
    maps = {"map": {"family": "inet", "table": "fw", "name": "m", "type": "mark", "map": "verdict"}}
    refused = lift(nft(CHAIN, maps)).refused
    assert [one.code for one in refused] == ["POL540"]


def test_what_stands_beside_chains() -> None:
    table = Flowtable("fast", ("eth0", "eth1"), 5)
    (one,) = lift(Ruleset((), flowtables=(table,))).refused
    assert "the flowtable `fast` has a priority of its own, 5" in one.message
    assert "fast: {devices: [eth0, eth1]}" in lift(Ruleset((), flowtables=(replace(table, priority=0),))).text


def test_counters_are_told_to_begin_anew() -> None:
    counted = rule({"counter": {"packets": 5, "bytes": 9}}, {"accept": None})
    plain = rule({"drop": None})
    assert "counters begin at 0 in the policy" in [one.message for one in sound(nft(CHAIN, counted, plain)).notes]
    every = sound(nft(CHAIN, counted))
    assert listed(every.text, "input") == ["accept"]
    assert any("every rule counts its packets" in one.message for one in every.notes)


def test_ip6_of_nft_is_a_policy_of_ip6() -> None:
    table = {"table": {"family": "ip6", "name": "polc"}}
    chain = {"chain": {**CHAIN["chain"], "family": "ip6", "table": "polc"}}
    (ruleset,) = read_nft_json(SourceFile("x.json", json.dumps({"nftables": [table, chain]})), Collector())
    assert ruleset.family.value == Family.IP6.value
    assert "family: ip6" in sound(ruleset).text
