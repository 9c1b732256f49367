"""What is held is read as a ruleset: every change that matters is seen, and no spelling of the same."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from polc.backends.model import OutputFile
from polc.kernel.meaning import differences

sys.path.append(str(Path(__file__).parents[1] / "backends" / "nft"))
from test_nft_compare import EMITTED, MUTATIONS, Entries, _spell, listed

UNSEEN = {"comment", "chain more"}
"""What does nothing to packets: a comment, a chain that nothing leads to."""


def compared(entries: Entries) -> tuple[str, ...]:
    emitted = (OutputFile("ruleset.nft.json", EMITTED),)
    return differences("nft", emitted, (OutputFile("ruleset.nft.json", json.dumps({"nftables": entries})),))


def test_spellings_of_the_same() -> None:
    entries = listed()
    assert compared(entries) == ()
    _spell(entries)
    assert compared(entries) == ()


@pytest.mark.parametrize("name", [one for one in MUTATIONS if one not in UNSEEN])
def test_a_change_is_seen(name: str) -> None:
    entries = listed()
    MUTATIONS[name](entries)
    assert compared(entries)


def test_a_sentence() -> None:
    entries = listed()
    MUTATIONS["policy"](entries)
    assert compared(entries) == (
        "the chain `input` is of type filter at input, priority 0, policy accept, wanted of type filter at input, "
        "priority 0, policy drop",
    )


def test_devices_that_a_listing_lacks() -> None:
    """nft 1.0.6 lists no devices of chains in JSON."""
    base = {"family": "inet", "table": "t", "name": "c", "type": "filter", "hook": "ingress", "prio": 0}
    table = {"table": {"family": "inet", "name": "t"}}
    commands = [{"add": table}, {"add": {"chain": {**base, "dev": "eth0"}}}]
    emitted = (OutputFile("f", json.dumps({"nftables": commands})),)
    for chain, same in ((base, True), ({**base, "dev": "eth1"}, False)):
        listing = (OutputFile("f", json.dumps({"nftables": [table, {"chain": chain}]})),)
        assert (differences("nft", emitted, listing) == ()) is same


def test_prefixes_that_an_old_listing_shortens() -> None:
    """nft 0.9.8 lists IPv6 prefixes in elements of several parts as at least 64 long."""
    place = {"family": "inet", "table": "t", "name": "s", "type": ["ipv6_addr", "inet_service"], "flags": ["interval"]}
    table = {"table": {"family": "inet", "name": "t"}}

    def of(length: int) -> dict[str, object]:
        return {"set": {**place, "elem": [{"concat": [{"prefix": {"addr": "2001:db8::", "len": length}}, 22]}]}}

    emitted = (OutputFile("f", json.dumps({"nftables": [{"add": table}, {"add": of(48)}]})),)
    for version, length, same in (("0.9.8", 64, True), ("0.9.8", 65, False), ("1.0.6", 64, False)):
        listing = {"nftables": [{"metainfo": {"version": version}}, table, of(length)]}
        assert (differences("nft", emitted, (OutputFile("f", json.dumps(listing)),)) == ()) is same


def test_what_a_listing_leaves_out_before_a_count() -> None:
    """nft 1.0.6 lists no protocol that a header read later on tells; quotas tell what they have been used for."""
    place = {"family": "inet", "table": "t", "chain": "c"}
    table = {"table": {"family": "inet", "name": "t"}}
    chain = {"chain": {"family": "inet", "table": "t", "name": "c", "type": "filter", "hook": "input", "prio": 0}}

    def rule(*expressions: object) -> dict[str, object]:
        return {"rule": {**place, "expr": list(expressions)}}

    def match(left: object, right: object) -> object:
        return {"match": {"op": "==", "left": left, "right": right}}

    udp = match({"meta": {"key": "l4proto"}}, 17)
    turn = match({"numgen": {"mode": "inc", "mod": 2, "offset": 0}}, 0)

    def port(protocol: str) -> object:
        return match({"payload": {"protocol": protocol, "field": "sport"}}, 53)

    quota, used = ({"quota": {"val": 200, "val_unit": "bytes", **more}} for more in ({}, {"used": 76}))
    emitted = [rule(udp, turn, port("th"), {"accept": None}), rule(quota, {"drop": None})]
    first = OutputFile("f", json.dumps({"nftables": [{"add": one} for one in (table, chain, *emitted)]}))
    for protocol, same in (("udp", True), ("tcp", False)):
        seen = [rule(turn, port(protocol), {"accept": None}), rule(used, {"drop": None})]
        listing = OutputFile("f", json.dumps({"nftables": [table, chain, *seen]}))
        assert (differences("nft", (first,), (listing,)) == ()) is same
