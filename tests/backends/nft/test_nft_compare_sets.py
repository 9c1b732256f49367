"""``differences`` of sets, maps and named objects: every change that matters is seen, and none that does not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from nft_help import numbers, tcp

from polc.backends.model import Options
from polc.backends.nft.backend import NftBackend
from polc.backends.nft.compare import differences
from polc.backends.profile import PROFILES
from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import AddressMatch, ElementMatch, ExtensionHeader, ExtensionHeaderMatch, FieldMatch
from polc.ir.protocols import TCP, UDP
from polc.ir.ruleset import BaseChain, ChainType, DynamicSet, Flowtable, Hook, Rule, Ruleset
from polc.ir.selectors import Conntrack, KeyType, Side, Transport
from polc.ir.stateful import Limit, Quota, Rate, Unit
from polc.ir.statements import (
    AssignTimeout,
    CopyMark,
    Counter,
    Log,
    LogFlag,
    MapMark,
    MarkField,
    Offload,
    SetMark,
    SetPriority,
    StripTcpOptions,
    UpdateSet,
)
from polc.ir.verdicts import Accept, Drop, NatKind, NatMap, NatTarget, Queue, VerdictMap
from polc.passes import pipeline

IPV4 = frozenset({Family.IP})
GROUP = AddressSet.of(map(parse_address, ("192.0.2.0/24", "198.51.100.7")))
KEY = (Side.SADDR, Transport.PROTOCOL, Transport.DPORT)
STATE_AND_PORT = (Conntrack.STATE, Transport.SPORT)
LIMIT, QUOTA = Limit(Rate(10, Unit.MINUTE), 7, True, (), "l"), Quota(10240, False, "q")


def rows(port: int) -> tuple[Intervals, ...]:
    return (numbers(7), numbers(TCP), Intervals.of([(port, port + 5)]))


RULESET = pipeline.run(
    Ruleset(
        (
            BaseChain(
                "input",
                ChainType.FILTER,
                Hook.INPUT,
                0,
                Drop(),
                (
                    Rule((AddressMatch(Side.SADDR, GROUP, group="admins"),), Accept(), families=IPV4),
                    Rule((), VerdictMap(KEY, ((rows(80), Accept()), (rows(90), Drop()))), (), IPV4),
                    Rule((), None, (MapMark(MarkField.META, (Transport.DPORT,), (((numbers(80),), 1),)),)),
                    Rule((ElementMatch(KEY, (rows(1), rows(10)), negated=True),), Drop(), families=IPV4),
                    Rule((), None, (UpdateSet((Side.SADDR,), "seen"),)),
                    *(Rule((tcp(n), one), Drop(), families=IPV4) for n in (1, 2) for one in (LIMIT, QUOTA)),
                    Rule((tcp(3),), None, (AssignTimeout("t", TCP, (("established", 60),)),)),
                    Rule((tcp(4),), None, (Log("x", flags=frozenset(LogFlag)), Counter())),
                    Rule((tcp(5),), Queue(1, 3, bypass=True)),
                    Rule((tcp(6),), None, (SetMark(MarkField.META, 0x111, 0xF0), SetPriority(0x10020))),
                    Rule((tcp(7),), None, (StripTcpOptions((8, 77)),)),
                    Rule((FieldMatch(Field.VLAN_ID, numbers(5)),), Drop()),
                    Rule((ExtensionHeaderMatch(ExtensionHeader.RT),), Drop()),
                    Rule((tcp(8),), None, (CopyMark(MarkField.CT, from_mask=0xFF),)),
                    Rule(
                        (tcp(9), ElementMatch((Conntrack.STATE, Transport.SPORT), ((numbers(8), numbers(1)),))), Drop()
                    ),
                ),
            ),
            BaseChain("early", ChainType.FILTER, Hook.INGRESS, 0, Accept(), (), devices=("lo",)),
            BaseChain("forward", ChainType.FILTER, Hook.FORWARD, 0, Accept(), (Rule((), None, (Offload("fast"),)),)),
            BaseChain(
                "nat",
                ChainType.NAT,
                Hook.PREROUTING,
                -100,
                Accept(),
                (
                    Rule(
                        (tcp(80, 81),),
                        NatMap(
                            NatKind.DNAT,
                            (Transport.DPORT,),
                            (((numbers(80),), NatTarget(numbers(7), numbers(8080))),),
                            Family.IP,
                        ),
                        (),
                        IPV4,
                    ),
                ),
            ),
        ),
        (
            DynamicSet("seen", (KeyType.IPV4_ADDR,), 100, None, elements=((numbers(1, 5),),)),
            DynamicSet(
                "services",
                (KeyType.INET_PROTO, KeyType.INET_SERVICE),
                None,
                None,
                elements=((numbers(UDP), numbers(53)), (numbers(TCP), Intervals.of([(80, 90)]))),
                intervals=True,
            ),
            DynamicSet("states", (KeyType.CT_STATE,), None, None, elements=((numbers(8),), (numbers(2),))),
        ),
        flowtables=(Flowtable("fast", ("lo",), 10),),
    )
)
OUTPUT = NftBackend().emit(RULESET, Options("json", PROFILES["debian-13"]))
EMITTED = OUTPUT.files[0].text

# A listing as tests change it; its form is nft's, so it is handled as plain data.
Entries = list[dict[str, Any]]


def listed() -> Entries:
    return [copy.deepcopy(one["add"]) for one in json.loads(EMITTED)["nftables"] if "add" in one][1:]


def compared(entries: Entries) -> tuple[str, ...]:
    return differences(EMITTED, json.dumps({"nftables": entries}))


def of(entries: Entries, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = (entry[kind] for entry in entries if kind in entry and entry[kind]["name"] == name)
    return found


def statement(entries: Entries, kind: str, number: int = 0, chain: str = "input") -> dict[str, Any]:
    """The value of one of the statements of a kind in a chain, counted from 0."""
    rules = (entry["rule"] for entry in entries if entry.get("rule", {}).get("chain") == chain)
    found: list[dict[str, Any]] = [one for rule in rules for one in rule["expr"] if kind in one]
    return found[number]


def test_nothing_is_refused() -> None:
    assert OUTPUT.deviations == ()
    assert compared(listed()) == ()


def _spell(entries: Entries) -> None:
    """As nft 1.0.6 lists it."""
    admins = of(entries, "set", "admins-v4")
    admins["elem"] = ["198.51.100.7", {"range": ["192.0.2.0", "192.0.2.255"]}]
    services = of(entries, "set", "services")
    services["elem"] = [{"concat": ["tcp", {"range": [80, 90]}]}, {"concat": ["udp", 53]}]
    of(entries, "set", "states")["elem"] = ["established", "new"]
    seen = of(entries, "set", "seen")
    seen["elem"] = [{"elem": {"val": "0.0.0.1", "expires": 9}}, "0.0.0.5", "192.0.2.9"]
    decision = statement(entries, "vmap")["vmap"]["data"]["set"]
    decision.reverse()
    decision[0][0]["concat"][1] = "tcp"
    elements = [one["match"] for one in _concats(entries)]
    elements[0]["right"]["set"].reverse()
    of(entries, "quota", "q-v4").update(used=77, inv=False)
    of(entries, "limit", "l-v4").update(rate_unit="packets")
    of(entries, "ct timeout", "t")["l3proto"] = "inet"
    statement(entries, "log")["log"]["flags"] = "all"
    mark = statement(entries, "mangle", 1)["mangle"]
    mark["value"] = {"|": [{"^": [{"&": [{"meta": {"key": "mark"}}, 0xFFFFFF1F]}, 0x101]}, 0x10]}
    statement(entries, "mangle", 2)["mangle"]["value"] = "1:20"
    statement(entries, "reset", 1)["reset"]["tcp option"]["len"] = 0
    rule = next(one["rule"] for one in entries if "vlan" in json.dumps(one))
    rule["expr"] = [one for one in rule["expr"] if "ether" not in json.dumps(one)]
    nat = statement(entries, "dnat", 0, "nat")["dnat"]
    del nat["type_flags"]
    nat["addr"]["map"]["key"]["payload"]["protocol"] = "tcp"
    del of(entries, "chain", "early")["dev"]
    of(entries, "flowtable", "fast")["dev"] = "lo"
    last = next(one["rule"] for one in entries if '"sport"' in json.dumps(one))
    last["expr"] = [*last["expr"][1:-1], last["expr"][0], last["expr"][-1]]


def _concats(entries: Entries) -> Entries:
    rules = (entry["rule"] for entry in entries if "rule" in entry)
    return [one for rule in rules for one in rule["expr"] if "concat" in one.get("match", {}).get("left", {})]


def test_spellings_of_the_same() -> None:
    entries = listed()
    _spell(entries)
    assert entries != listed()
    assert compared(entries) == ()


def _replace(kind: str, name: str, key: str, value: object) -> Callable[[Entries], None]:
    def change(entries: Entries) -> None:
        assert of(entries, kind, name).get(key) != value
        of(entries, kind, name)[key] = value

    return change


def _matching(entries: Entries, words: str) -> dict[str, Any]:
    rules = (entry["rule"] for entry in entries if "rule" in entry)
    found: dict[str, Any]
    (found,) = (one["match"] for rule in rules for one in rule["expr"] if "match" in one and words in json.dumps(one))
    return found


def _nat(entries: Entries) -> dict[str, Any]:
    found: dict[str, Any] = statement(entries, "dnat", 0, "nat")["dnat"]
    return found


def _pair(value: dict[str, Any]) -> list[Any]:
    """The first element of a map."""
    found: list[Any] = value["map"]["data"]["set"][0]
    return found


MUTATIONS: dict[str, Callable[[Entries], object]] = {
    "element lost": lambda e: of(e, "set", "admins-v4")["elem"].pop(),
    "element more": lambda e: of(e, "set", "admins-v4")["elem"].append("203.0.113.1"),
    "prefix wider": lambda e: of(e, "set", "admins-v4")["elem"][0]["prefix"].update(len=23),
    "row lost": lambda e: of(e, "set", "services")["elem"].pop(),
    "row wider": lambda e: of(e, "set", "services")["elem"][1].update(concat=["tcp", {"range": [80, 91]}]),
    "state lost": lambda e: of(e, "set", "states")["elem"].pop(),
    "element of a filled set lost": lambda e: of(e, "set", "seen")["elem"].pop(),
    "no ranges": lambda e: of(e, "set", "admins-v4").pop("flags"),
    "type": _replace("set", "services", "type", ["inet_proto", "mark"]),
    "verdict of an element": lambda e: statement(e, "vmap")["vmap"]["data"]["set"][0].__setitem__(1, {"drop": None}),
    "element of a map lost": lambda e: statement(e, "vmap")["vmap"]["data"]["set"].pop(),
    "key of a map": lambda e: statement(e, "vmap")["vmap"]["key"]["concat"][0]["payload"].update(field="daddr"),
    "mark of an element": lambda e: _pair(statement(e, "mangle")["mangle"]["value"]).__setitem__(1, 2),
    "rows negated": lambda e: _concats(e)[0]["match"].update(op="=="),
    "row of a rule": lambda e: _concats(e)[0]["match"]["right"]["set"].pop(),
    "rate of an object": _replace("limit", "l-v4", "rate", 11),
    "unit of an object": _replace("limit", "l-v4", "per", "hour"),
    "under for over": lambda e: of(e, "limit", "l-v4").pop("inv"),
    "bytes of an object": _replace("quota", "q-v4", "bytes", 10241),
    "over for under": _replace("quota", "q-v4", "inv", True),
    "another object": lambda e: statement(e, "limit").update(limit="m"),
    "another quota": lambda e: statement(e, "quota").update(quota="m"),
    "times": _replace("ct timeout", "t", "policy", {"established": 61}),
    "times of another family": _replace("ct timeout", "t", "l3proto", "ip"),
    "another timeout": lambda e: statement(e, "ct timeout").update({"ct timeout": "u"}),
    "flags of a log": lambda e: statement(e, "log")["log"].update(flags=["skuid"]),
    "queue": lambda e: statement(e, "queue")["queue"].update(num={"range": [1, 4]}),
    "bypass": lambda e: statement(e, "queue")["queue"].pop("flags"),
    "bits of a mark": lambda e: statement(e, "mangle", 1)["mangle"]["value"]["^"].__setitem__(1, 0x110),
    "kept bits": lambda e: statement(e, "mangle", 1)["mangle"]["value"]["^"][0]["&"].__setitem__(1, 0xFFFFFFFF),
    "priority": lambda e: statement(e, "mangle", 2)["mangle"].update(value="1:21"),
    "option": lambda e: statement(e, "reset", 1)["reset"]["tcp option"].update(base=78),
    "tag": lambda e: _matching(e, '"vlan"').update(right=6),
    "header": lambda e: _matching(e, "exthdr").update(right=False),
    "bits of the other mark": lambda e: statement(e, "mangle", 3)["mangle"]["value"]["&"].__setitem__(1, 0xFE),
    "flowtable": lambda e: statement(e, "flow", 0, "forward")["flow"].update(flowtable="@slow"),
    "priority of a flowtable": _replace("flowtable", "fast", "prio", 0),
    "device of a flowtable": _replace("flowtable", "fast", "dev", ["eth0"]),
    "device of a chain": _replace("chain", "early", "dev", "eth0"),
    "new address": lambda e: _pair(_nat(e)["addr"])[1]["concat"].__setitem__(0, "0.0.0.8"),
    "new port": lambda e: _pair(_nat(e)["addr"])[1]["concat"].pop(),
    "key of new addresses": lambda e: _nat(e)["addr"]["map"]["key"]["payload"].update(field="sport"),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTATIONS)
def test_change_is_seen(name: str) -> None:
    entries = listed()
    MUTATIONS[name](entries)
    assert entries != listed(), "the mutation changes nothing"
    assert compared(entries) != ()


def test_what_rules_add_is_no_difference() -> None:
    entries = listed()
    of(entries, "set", "seen")["elem"].append("192.0.2.77")
    assert compared(entries) == ()
    of(entries, "set", "states")["elem"].append("related")
    assert compared(entries) == ("set `states` has elements that were not emitted",)
