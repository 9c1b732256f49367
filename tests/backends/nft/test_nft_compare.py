"""``differences`` sees every change of a listing that matters, and none that does not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from nft_help import from_addresses, numbers, ruleset, tcp, text

from polc.backends.nft.compare import differences
from polc.ir.family import Family
from polc.ir.matches import CtState, CtStateMatch, IcmpTerm, ServiceMatch, SetMatch, Side
from polc.ir.origin import Origin
from polc.ir.protocols import ICMP, TCP
from polc.ir.ruleset import DynamicSet, RegularChain, Rule
from polc.ir.stateful import KeyField, KeyPart, Limit, Rate, Unit
from polc.ir.statements import AssignHelper, Counter, Log, UpdateSet
from polc.ir.verdicts import Accept, Drop, Jump, Reject

IPV4 = frozenset({Family.IP})
EMITTED = text(
    ruleset(
        (
            Rule((CtStateMatch(CtState.ESTABLISHED | CtState.RELATED),), Accept(), origin=Origin(name="stateful")),
            Rule((from_addresses("192.0.2.0/24", "198.51.100.7", negated=True), tcp(22)), Drop(), families=IPV4),
            Rule((tcp(80, 443),), Accept(), (Counter("web"), Log("web ")), origin=Origin(name="web")),
            Rule((ServiceMatch((IcmpTerm(ICMP, 8),)),), Accept()),
            Rule(
                (tcp(25), Limit(Rate(10, Unit.MINUTE), 5, True, (KeyPart(KeyField.SOURCE),), "l")),
                Drop(),
                (UpdateSet((Side.SADDR,), "banned", 60),),
                IPV4,
            ),
            Rule((SetMatch((Side.SADDR,), "banned"),), Jump("other")),
            Rule((tcp(21),), None, (AssignHelper("ftp", TCP),)),
            Rule((Limit(Rate(1, Unit.SECOND), 5, False, (), "m"),), Accept(), (Counter(),), IPV4),
            Rule((), Reject()),
        ),
        (RegularChain("other", (Rule((), Drop()),)),),
        (DynamicSet.of_addresses("banned", Family.IP, 100, 3600),),
    )
)

# A listing as tests change it; its form is nft's, so it is handled as plain data.
Entries = list[dict[str, Any]]


def listed() -> Entries:
    """The emitted commands as a listing that spells everything as nft 1.0.6 does."""
    entries: Entries = [
        copy.deepcopy(command["add"]) for command in json.loads(EMITTED)["nftables"] if "add" in command
    ][1:]
    for handle, entry in enumerate(entries):
        for value in entry.values():
            value["handle"] = handle
    return [{"metainfo": {"version": "1.0.6"}}, *entries]


def compared(entries: Entries) -> tuple[str, ...]:
    return differences(EMITTED, json.dumps({"nftables": entries}))


def of(entries: Entries, kind: str, name: str = "") -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = (entry[kind] for entry in entries if kind in entry and name in ("", entry[kind]["name"]))
    return found


def rule(entries: Entries, number: int) -> dict[str, Any]:
    """A rule of the input chain, from 1."""
    rules: Entries = [entry["rule"] for entry in entries if entry.get("rule", {}).get("chain") == "input"]
    return rules[number - 1]


def expr(entries: Entries, number: int, position: int) -> dict[str, Any]:
    found: dict[str, Any] = rule(entries, number)["expr"][position]
    return found


def test_equal() -> None:
    assert compared(listed()) == ()


def _spell(entries: Entries) -> None:
    expr(entries, 1, 0)["match"]["right"] = ["related", "established"]
    expr(entries, 2, 0)["match"]["right"] = {"set": ["198.51.100.7", {"range": ["192.0.2.0", "192.0.2.255"]}]}
    expr(entries, 3, 0)["match"]["right"] = {"set": [443, 80]}
    expr(entries, 3, 2)["log"].pop("level")
    expr(entries, 4, 0)["match"]["right"] = "echo-request"
    rule(entries, 5)["expr"].insert(0, {"match": {"op": "==", "left": {"meta": {"key": "nfproto"}}, "right": "ipv4"}})
    rule(entries, 5)["expr"].insert(0, {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "tcp"}})
    expr(entries, 7, 1)["cthelper"] = expr(entries, 7, 1).pop("ct helper")
    expr(entries, 8, 1)["limit"].pop("burst")
    expr(entries, 8, 2)["counter"] = {"packets": 7, "bytes": 420}
    expr(entries, 9, 0)["reject"] = None
    of(entries, "set")["elem"] = [{"elem": {"val": "192.0.2.1", "expires": 9}}]
    of(entries, "set")["flags"] = ["timeout", "dynamic"]
    of(entries, "counter")["packets"] = 9
    entry = next(entry for entry in entries if "ct helper" in entry)
    entry["ct helper"]["l3proto"] = "inet"


def test_spellings_of_the_same() -> None:
    entries = listed()
    _spell(entries)
    assert compared(entries) == ()


def _set(path: Callable[[Entries], Any], key: str, value: object) -> Callable[[Entries], None]:
    def change(entries: Entries) -> None:
        path(entries)[key] = value

    return change


def _swap(entries: Entries) -> None:
    first, second = entries.index({"rule": rule(entries, 2)}), entries.index({"rule": rule(entries, 3)})
    entries[first], entries[second] = entries[second], entries[first]


MUTATIONS: dict[str, Callable[[Entries], object]] = {
    "rule missing": lambda e: e.remove({"rule": rule(e, 3)}),
    "rule more": lambda e: e.append({"rule": {**rule(e, 3), "handle": 99}}),
    "rules swapped": _swap,
    "rule in another chain": _set(lambda e: rule(e, 3), "chain", "other"),
    "comment": _set(lambda e: rule(e, 3), "comment", "else"),
    "port": _set(lambda e: expr(e, 3, 0)["match"], "right", {"set": [80, 444]}),
    "port more": _set(lambda e: expr(e, 3, 0)["match"], "right", {"set": [80, 443, 444]}),
    "protocol": _set(lambda e: expr(e, 3, 0)["match"]["left"]["payload"], "protocol", "udp"),
    "source for destination": _set(lambda e: expr(e, 3, 0)["match"]["left"]["payload"], "field", "sport"),
    "negation lost": _set(lambda e: expr(e, 2, 0)["match"], "op", "=="),
    "address": _set(lambda e: expr(e, 2, 0)["match"], "right", {"set": ["192.0.2.0", "198.51.100.7"]}),
    "prefix length": _set(lambda e: expr(e, 2, 0)["match"]["right"]["set"][0]["prefix"], "len", 25),
    "state": _set(lambda e: expr(e, 1, 0)["match"], "right", "established"),
    "icmp type": _set(lambda e: expr(e, 4, 0)["match"], "right", "echo-reply"),
    "verdict": lambda e: rule(e, 1)["expr"].__setitem__(-1, {"drop": None}),
    "match lost": lambda e: rule(e, 3)["expr"].pop(0),
    "counter lost": lambda e: rule(e, 3)["expr"].pop(1),
    "family match lost": lambda e: rule(e, 8)["expr"].pop(0),
    "family match more": lambda e: rule(e, 3)["expr"].insert(
        0, {"match": {"op": "==", "left": {"meta": {"key": "nfproto"}}, "right": "ipv4"}}
    ),
    "rate": _set(lambda e: expr(e, 8, 1)["limit"], "rate", 2),
    "unit": _set(lambda e: expr(e, 8, 1)["limit"], "per", "minute"),
    "burst": _set(lambda e: expr(e, 8, 1)["limit"], "burst", 6),
    "under for over": lambda e: expr(e, 5, 2)["meter"]["stmt"]["limit"].pop("inv"),
    "bucket timeout": _set(lambda e: expr(e, 5, 2)["meter"]["key"]["elem"], "timeout", 1),
    "bucket key": _set(lambda e: expr(e, 5, 2)["meter"]["key"]["elem"]["val"]["payload"], "field", "daddr"),
    "meter size": _set(lambda e: expr(e, 5, 2)["meter"], "size", 1),
    "ban timeout": _set(lambda e: expr(e, 5, 3)["set"]["elem"]["elem"], "timeout", 61),
    "add for update": _set(lambda e: expr(e, 5, 3)["set"], "op", "add"),
    "set of a match": _set(lambda e: expr(e, 6, 0)["match"], "right", "@other"),
    "target": _set(lambda e: expr(e, 6, 1)["jump"], "target", "input"),
    "helper": _set(lambda e: expr(e, 7, 1), "ct helper", "sip-udp"),
    "log prefix": _set(lambda e: expr(e, 3, 2)["log"], "prefix", "x"),
    "log level": _set(lambda e: expr(e, 3, 2)["log"], "level", "info"),
    "log group": _set(lambda e: expr(e, 3, 2)["log"], "group", 3),
    "reject": _set(lambda e: expr(e, 9, 0), "reject", {"type": "icmpx", "expr": "host-unreachable"}),
    "unknown statement": lambda e: rule(e, 9)["expr"].insert(0, {"notrack": None}),
    "policy": _set(lambda e: of(e, "chain", "input"), "policy", "accept"),
    "priority": _set(lambda e: of(e, "chain", "input"), "prio", 1),
    "hook": _set(lambda e: of(e, "chain", "input"), "hook", "output"),
    "chain missing": lambda e: e.remove({"chain": of(e, "chain", "other")}),
    "chain more": lambda e: e.append({"chain": {"family": "inet", "table": "polc", "name": "more"}}),
    "set missing": lambda e: e.remove({"set": of(e, "set")}),
    "set size": _set(lambda e: of(e, "set"), "size", 99),
    "set timeout": _set(lambda e: of(e, "set"), "timeout", 60),
    "set type": _set(lambda e: of(e, "set"), "type", "ipv6_addr"),
    "set flags": _set(lambda e: of(e, "set"), "flags", ["timeout", "interval"]),
    "counter missing": lambda e: e.remove({"counter": of(e, "counter")}),
    "helper missing": lambda e: e.remove({"ct helper": of(e, "ct helper")}),
    "helper type": _set(lambda e: of(e, "ct helper"), "type", "sip"),
    "table dormant": _set(lambda e: of(e, "table"), "flags", "dormant"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_change_is_seen(name: str) -> None:
    entries = listed()
    MUTATIONS[name](entries)
    assert entries != listed(), "the mutation changes nothing"
    assert compared(entries) != ()


def as_nft_1_1() -> Entries:
    """The listing as nft 1.1 has it: meters are sets that rules fill, and sets are told to be dynamic."""
    entries = listed()
    meter = expr(entries, 5, 2).pop("meter")
    expr(entries, 5, 2)["set"] = {
        "op": "update",
        "elem": meter["key"],
        "set": f"@{meter['name']}",
        "stmt": [meter["stmt"]],
    }
    place = {"family": "inet", "table": "polc", "handle": 40}
    kind = {"name": meter["name"], "type": "ipv4_addr", "size": meter["size"], "flags": ["timeout", "dynamic"]}
    of(entries, "set")["flags"] = ["timeout", "dynamic"]
    return [*entries[:2], {"set": {**place, **kind}}, *entries[2:]]


def test_meters_that_are_listed_as_sets() -> None:
    assert compared(as_nft_1_1()) == ()


METER_MUTATIONS: dict[str, Callable[[Entries], object]] = {
    "size": _set(lambda e: e[2]["set"], "size", 1),
    "timeout of its own": _set(lambda e: e[2]["set"], "timeout", 3600),
    "operation": _set(lambda e: expr(e, 5, 2)["set"], "op", "add"),
    "rate": _set(lambda e: expr(e, 5, 2)["set"]["stmt"][0]["limit"], "rate", 11),
    "time": _set(lambda e: expr(e, 5, 2)["set"]["elem"]["elem"], "timeout", 1),
    "no limit": lambda e: expr(e, 5, 2)["set"].pop("stmt"),
    "another set": _set(lambda e: expr(e, 5, 2)["set"], "set", "@banned"),
    "one more set": lambda e: e.append({"set": {**e[2]["set"], "name": "more"}}),
}


@pytest.mark.parametrize("name", METER_MUTATIONS)
def test_change_of_a_meter_that_is_listed_as_a_set_is_seen(name: str) -> None:
    entries = as_nft_1_1()
    METER_MUTATIONS[name](entries)
    assert entries != as_nft_1_1(), "the mutation changes nothing"
    assert compared(entries) != ()


def test_sets_without_flags_are_those_that_are_only_dynamic() -> None:
    entries = listed()
    of(entries, "set").pop("flags")
    assert compared(entries) != ()
    of(entries, "set")["flags"] = ["dynamic"]
    assert compared(entries) != ()
    counter = {"set": {"family": "inet", "table": "polc", "name": "s", "type": "mark"}}
    wanted = json.dumps({"nftables": [{"add": counter}]})
    assert differences(wanted, json.dumps({"nftables": [{"set": {**counter["set"], "flags": ["dynamic"]}}]})) == ()


def test_flags_of_nat_are_a_word_or_a_list() -> None:
    def nat(flags: object, kind: object) -> str:
        statement = {"dnat": {"family": "ip", "addr": "192.0.2.1", "flags": flags, "type_flags": kind}}
        table, chain = {"table": {"family": "inet", "name": "t"}}, {"chain": "c", "expr": [statement]}
        return json.dumps({"nftables": [table, {"rule": chain}]})

    assert differences(nat("netmap", "prefix"), nat(["netmap"], ["prefix"])) == ()
    assert differences(nat("netmap", "prefix"), nat(["random"], ["prefix"])) != ()


def test_sentences() -> None:
    entries = listed()
    expr(entries, 3, 0)["match"]["right"] = 80
    of(entries, "chain", "input")["policy"] = "accept"
    first, second = compared(entries)
    assert first.startswith("chain `input`: wanted {")
    assert '"policy":"accept"' in first
    assert second.startswith(
        "chain `input`, rule 3 (web): wanted `meta l4proto 6 tcp dport { 80, 443 } counter name web"
    )
    assert "seen `meta l4proto 6 tcp dport 80 counter name web" in second


def test_missing_and_added_rules_are_named() -> None:
    entries = listed()
    entries.remove({"rule": rule(entries, 3)})
    (missing,) = compared(entries)
    assert missing.startswith("chain `input`, rule 3 (web): `")
    assert missing.endswith("is missing there")
    entries = listed()
    entries.append({"rule": {**rule(entries, 9)}})
    (added,) = compared(entries)
    assert added.startswith("chain `input`: seen `reject with icmpx port-unreachable` at rule 10")


@pytest.mark.parametrize("bad", ["", "{", "[]", '{"nftables": []}'])
def test_not_a_listing(bad: str) -> None:
    with pytest.raises(ValueError, match=r"no table|Expecting"):
        differences(EMITTED, bad)


def test_every_number_is_compared() -> None:
    """The values of a set of ports are merged, not lost: 80-81 is 80 and 81, and not 80 alone."""
    wanted = text(ruleset((Rule((tcp(80, 81),), Accept()),)))
    one = json.dumps({"nftables": [command["add"] for command in json.loads(wanted)["nftables"] if "add" in command]})
    assert differences(wanted, one) == ()
    assert differences(text(ruleset((Rule((tcp(80),), Accept()),))), one) != ()
    assert numbers(80, 81).ranges == ((80, 81),)


def test_a_mark_under_the_mask_of_a_prefix_is_listed_as_one() -> None:
    """nft 1.0.6: `meta mark & 0xffff0000 == 0x80000` comes back as a prefix."""

    def table(match: object) -> str:
        rule = {"family": "inet", "table": "polc", "chain": "c", "expr": [{"match": match}]}
        chain = {"family": "inet", "table": "polc", "name": "c"}
        return json.dumps({"nftables": [{"add": {"chain": chain}}, {"add": {"rule": rule}}]})

    mark = {"meta": {"key": "mark"}}
    for op in ("==", "!="):
        wanted = table({"op": op, "left": {"&": [mark, 0xFFFF0000]}, "right": 0x80000})
        listed = table({"op": op, "left": mark, "right": {"prefix": {"addr": 0x80000, "len": 16}}})
        other = table({"op": op, "left": mark, "right": {"prefix": {"addr": 0x80000, "len": 15}}})
        assert differences(wanted, listed) == ()
        assert differences(wanted, other)


def test_timeouts_that_are_as_they_would_be_anyway() -> None:
    """nft 1.1.3 and later do not list them."""
    table = {"table": {"family": "inet", "name": "t"}}
    own = {"family": "inet", "table": "t", "name": "every", "protocol": "tcp", "l3proto": "inet"}
    emitted = [{"add": table}, {"add": {"ct timeout": {**own, "policy": {"close": 10, "fin_wait": 60}}}}]

    def compared(**policy: int) -> tuple[str, ...]:
        listing = [table, {"ct timeout": {**own, "policy": policy}}]
        return differences(json.dumps({"nftables": emitted}), json.dumps({"nftables": listing}))

    assert compared(fin_wait=60) == compared(fin_wait=60, close=10) == ()
    assert compared(fin_wait=61)
    assert compared(close=10)
