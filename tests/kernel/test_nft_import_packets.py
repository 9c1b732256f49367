"""A table of nft, read and written again, does with packets what it did, whatever the order of what its rules say.

Statements of a rule stand in any order there and in one alone in the IR, so rules are taken apart: verdicts and every
counter between the statements have to agree. POLC_IMPORT_EXAMPLES sets how many tables are tried.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest
from gateway import ask, gateway
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from packet_text import Packet, parse_test

from polc.backends.model import Options
from polc.backends.nft.backend import NftBackend
from polc.diagnostics import Collector, Failure
from polc.importers.nft_json import read_nft_json
from polc.importers.nft_json.json_value import Json, Object
from polc.ir.ruleset import Ruleset
from polc.kernel.netns import Namespace
from polc.kernel.remote import RemoteNftables
from polc.passes import pipeline
from polc.source import SourceFile

EXAMPLES = int(os.environ.get("POLC_IMPORT_EXAMPLES", "0"))
COUNTERS = tuple(f"c{number}" for number in range(12))
CHAINS = ("one", "two")
PACKETS: list[Packet] = [
    parse_test(f"accept {protocol} {source} -> {to} in eth0")[1]
    for _ in range(2)
    for protocol, source, to in (
        ("tcp", "198.51.100.1:4000", "host:22"),
        ("tcp", "198.51.100.2:4000", "host:80"),
        ("udp", "198.51.100.1:53", "host:80"),
        ("udp", "198.51.100.2:53", "host:22"),
        ("tcp", "[2001:db8:9::1]:4000", "host:22"),
        ("udp", "[2001:db8:9::2]:53", "host:80"),
        ("icmp/echo-request", "198.51.100.1", "host"),
    )
]


def _match(left: Object, right: Json, op: str = "==") -> Object:
    return {"match": {"op": op, "left": left, "right": right}}


def _payload(protocol: str, field: str) -> Object:
    return {"payload": {"protocol": protocol, "field": field}}


ASKED: list[Object] = [
    _match(_payload("tcp", "dport"), 22),
    _match(_payload("tcp", "dport"), 22, "!="),
    _match(_payload("udp", "dport"), {"set": [22, 80]}),
    _match(_payload("th", "dport"), 80),
    _match(_payload("ip", "saddr"), "198.51.100.1"),
    _match(_payload("ip", "saddr"), {"set": ["198.51.100.1", "198.51.100.9"]}, "!="),
    _match(_payload("ip6", "saddr"), "2001:db8:9::1"),
    _match(_payload("icmp", "type"), "echo-request"),
    _match(_payload("icmp", "type"), "echo-request", "!="),
    _match({"meta": {"key": "nfproto"}}, "ipv4"),
    _match({"meta": {"key": "l4proto"}}, {"set": ["tcp", "udp"]}),
    _match({"meta": {"key": "iifname"}}, "eth*"),
    _match({"meta": {"key": "mark"}}, 1),
    _match({"ct": {"key": "state"}}, ["new", "established"], "in"),
]
COUNTED: list[Object] = [
    {"limit": {"rate": 1, "per": "day", "burst": 2}},
    {"limit": {"rate": 1, "per": "day", "burst": 2, "inv": True}},
    _match({"numgen": {"mode": "inc", "mod": 2, "offset": 0}}, 0),
    {"quota": {"val": 100, "val_unit": "bytes"}},
]
DONE: list[Object] = [
    {"mangle": {"key": {"meta": {"key": "mark"}}, "value": 1}},
    {"mangle": {"key": {"meta": {"key": "mark"}}, "value": 0}},
    {"log": {"prefix": "x"}},
]


def ends(below: tuple[str, ...]) -> list[Object | None]:
    """How a rule ends, with the chains that can be come to from it."""
    calls: list[Object] = [{word: {"target": name}} for name in below for word in ("jump", "goto")]
    verdicts: list[Object] = [{"accept": None}, {"drop": None}, {"return": None}, {"reject": None}, *calls]
    maps: list[Object] = [
        {"vmap": {"key": _payload("tcp", "dport"), "data": {"set": [[22, one], [{"range": [70, 90]}, other]]}}}
        for one, other in zip(verdicts, reversed(verdicts), strict=True)
        if "reject" not in one and "reject" not in other
    ]
    kinds: list[Object] = [
        {"vmap": {"key": {"fib": {"result": "type", "flags": ["daddr"]}}, "data": {"set": [["local", one]]}}}
        for one in verdicts
        if "reject" not in one
    ]
    return [None, None, *verdicts, *maps, *kinds]


@st.composite
def tables(draw: st.DrawFn) -> str:
    """A table as commands; every rule counts in places of its own."""
    family = draw(st.sampled_from(("inet", "inet", "ip")))
    place: Object = {"family": family, "table": "polc"}
    free = iter(COUNTERS)
    asked = [one for one in ASKED if family == "inet" or not _of_ipv6(one)]

    def rule(below: tuple[str, ...]) -> list[Json]:
        pieces = draw(st.lists(st.sampled_from([*asked, *asked, *COUNTED, *DONE]), min_size=1, max_size=4))
        found: list[Json] = []
        for one in pieces:
            found.append(one)
            if draw(st.booleans()) and (name := next(free, None)) is not None:
                found.append({"counter": name})
        end = draw(st.sampled_from(ends(below)))
        return [*found, end] if end is not None else found

    hook: Object = {"type": "filter", "hook": "input", "prio": 0, "policy": draw(st.sampled_from(("accept", "drop")))}
    commands: list[Json] = [{"add": {"table": {"family": family, "name": "polc"}}}]
    commands += ({"add": {"counter": {**place, "name": name}}} for name in COUNTERS)
    commands.append({"add": {"chain": {**place, "name": "base", **hook}}})
    commands += ({"add": {"chain": {**place, "name": name}}} for name in CHAINS)
    for name, below in (("base", CHAINS), ("one", CHAINS[1:]), ("two", ())):
        for _ in range(draw(st.integers(1 if name == "base" else 0, 3))):
            commands.append({"add": {"rule": {**place, "chain": name, "expr": rule(below)}}})
    return json.dumps({"nftables": commands})


def _of_ipv6(one: Object) -> bool:
    return any(word in json.dumps(one) for word in ("ip6", "nfproto"))


def written_again(text: str) -> str:
    (ruleset,) = read_nft_json(SourceFile("ruleset.json", text), Collector())
    output = NftBackend().emit(pipeline.run(_all_counters(ruleset)), Options("json"))
    if any("take a chain of their own" in one.message for one in output.deviations):
        # Several services with a limit, before a return.
        reject()
    assert not output.deviations, output.deviations
    (file,) = output.files
    return file.text


def _all_counters(ruleset: Ruleset) -> Ruleset:
    """Counters of no rule stay as they are declared."""
    return replace(ruleset, declarations=())


def counts(namespace: Namespace, family: str) -> dict[str, int]:
    with RemoteNftables(namespace) as nft:
        listed = json.loads(nft.list_table(family, "polc"))["nftables"]
    return {one["counter"]["name"]: one["counter"]["packets"] for one in listed if "counter" in one}


def outcome(text: str, family: str) -> tuple[list[str], dict[str, int]]:
    with gateway() as namespace:
        with RemoteNftables(namespace) as nft:
            nft.run_json(text)
        verdicts = [fate.verdict for fate in ask(namespace, PACKETS)]
        found = counts(namespace, family)
    return verdicts, {name: number for name, number in found.items() if number}


@pytest.mark.kernel("nft", "conntrack")
@settings(
    max_examples=EXAMPLES or 25, derandomize=not EXAMPLES, deadline=None, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(tables())
def test_packets_and_counters_agree(text: str) -> None:
    family = "ip" if '"family": "ip"' in text else "inet"
    try:
        before = outcome(text, family)
    except Failure:
        # Two transport protocols in one rule, or two families.
        reject()
    again = written_again(text)
    assert outcome(again, family) == before, f"{text}\n{again}"
