"""Tables that become one: packets meet the same in both, and what only seems to be one stays apart."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "importers"))

from importing import import_both

from polc.diagnostics import Collector
from polc.importers.nft_json import read_nft_json
from polc.ir.ruleset import BaseChain, Ruleset, TableFamily
from polc.ir.verdicts import Drop
from polc.lift import lift
from polc.passes import pipeline
from polc.passes.one_table import one_table
from polc.policy.read import inspect_source
from polc.simulate import Flavour, Loaded, Simulator, read_host, read_packet
from polc.source import SourceFile

HOST = "eth0 192.0.2.1/24 2001:db8::1/64, eth1 198.51.100.254/24 2001:db8:1::fe/64"
ENDS = (
    ("192.0.2.9", "192.0.2.1", "in eth0"),
    ("192.0.2.10", "192.0.2.1", "in eth1"),
    ("192.0.2.9", "198.51.100.1", "in eth0 out eth1"),
    ("2001:db8::9", "2001:db8::1", "in eth0"),
    ("2001:db8::a", "2001:db8::1", "in eth1"),
    ("2001:db8::9", "2001:db8:1::1", "in eth0 out eth1"),
)


def bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


PACKETS = [
    f"{protocol} {bracketed(saddr)}:4000 -> {bracketed(daddr)}:{port} {way}"
    for protocol, (saddr, daddr, way), port in product(("tcp", "udp"), ENDS, (22, 53, 80, 443))
]


def same(before: Sequence[Ruleset], after: Sequence[Ruleset]) -> None:
    """Assert that packets meet the same in both."""
    host = read_host(SourceFile("host", HOST))
    fates = []
    for rulesets in (before, after):
        loaded = [Loaded(pipeline.run(one), Flavour.IPTABLES) for one in rulesets]
        simulator = Simulator(loaded, host, start=1_714_867_200)
        fates.append([simulator.send(read_packet(text, host)).fate for text in PACKETS])
    assert fates[0] == fates[1]
    assert len(set(fates[0])) > 1


def nft(text: str) -> tuple[Ruleset, ...]:
    return read_nft_json(SourceFile("rules.json", text), Collector())


SAVE = """\
*filter
:INPUT {policy} [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:guard - [0:0]
:web - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j {leave}
-A INPUT -i eth1 -p tcp -m tcp --dport 80 -g web
-A INPUT -m limit --limit {limit} -p udp --dport 53 -j guard
-A INPUT -p tcp -m tcp --dport 443 -j {other}
-A guard -s {address} -j ACCEPT
-A guard -j RETURN
-A web -s {address} -j {other}
COMMIT
"""


@pytest.mark.parametrize(("leave", "other"), [("RETURN", "DROP"), ("RETURN", "ACCEPT"), ("guard", "DROP")])
@pytest.mark.parametrize("policy", ["ACCEPT", "DROP"])
def test_families_that_end_apart(leave: str, other: str, policy: str) -> None:
    ip = SAVE.format(policy=policy, leave=leave, other=other, limit="5/min", address="192.0.2.9")
    opposite = {"ACCEPT": "DROP", "DROP": "ACCEPT"}[policy]
    ip6 = SAVE.format(policy=opposite, leave=leave, other=other, limit="9/min", address="2001:db8::9")
    apart, _ = import_both(ip, ip6)
    assert len(apart) == 2
    (one,) = one_table(apart)
    assert one.family is TableFamily.INET
    assert {chain.policy for chain in one.chains if isinstance(chain, BaseChain)} == {Drop()}
    same(apart, (one,))


def table(family: str, name: str, port: int, verdict: str, chains: str = "filter input 0") -> str:
    place = f'"family": "{family}", "table": "{name}"'
    kind, hook, priority = chains.split()
    addresses = "ipv6_addr" if family == "ip6" else "ipv4_addr"
    match = (
        f'{{"match": {{"op": "==", "left": {{"payload": {{"protocol": "tcp", "field": "dport"}}}}, "right": {port}}}}}'
    )
    return ", ".join(
        (
            f'{{"add": {{"table": {{"family": "{family}", "name": "{name}"}}}}}}',
            f'{{"add": {{"set": {{{place}, "name": "some", "type": "{addresses}"}}}}}}',
            f'{{"add": {{"chain": {{{place}, "name": "below"}}}}}}',
            f'{{"add": {{"chain": {{{place}, "name": "main", "type": "{kind}", "hook": "{hook}", "prio": {priority}, '
            '"policy": "accept"}}}',
            f'{{"add": {{"rule": {{{place}, "chain": "below", "expr": [{match}, {{"{verdict}": null}}]}}}}}}',
            f'{{"add": {{"rule": {{{place}, "chain": "main", "expr": [{{"jump": {{"target": "below"}}}}]}}}}}}',
        )
    )


def document(*tables: str) -> str:
    return f'{{"nftables": [{", ".join(tables)}]}}'


def test_chains_and_sets_of_one_name_are_two() -> None:
    apart = nft(document(table("ip", "one", 22, "drop"), table("ip", "two", 80, "drop", "filter forward 0")))
    (one,) = one_table(apart)
    assert [chain.name for chain in one.chains] == ["main", "two-main", "below", "two-below"]
    assert [each.name for each in one.sets] == ["some", "two-some"]
    same(apart, (one,))


def test_tables_of_one_name_and_two_families() -> None:
    apart = nft(document(table("ip", "fw", 22, "drop"), table("ip6", "fw", 80, "drop")))
    (one,) = one_table(apart)
    assert one.table == "fw"
    assert [chain.name for chain in one.chains] == ["main", "below"]
    same(apart, (one,))


def test_an_end_of_one_chain_is_none_of_the_next() -> None:
    apart = nft(document(table("ip", "one", 22, "accept"), table("ip", "two", 22, "drop")))
    (one,) = one_table(apart)
    assert sum(isinstance(chain, BaseChain) for chain in one.chains) == 2
    same(apart, (one,))


def test_what_may_be_named_by_opaque_words_stays_where_it_is() -> None:
    counter = '{"add": {"ct expectation": {"family": "ip", "table": "one", "name": "e", "l3proto": "ip", "protocol": "tcp", "dport": 9, "timeout": 1, "size": 1}}}'  # noqa: E501
    apart = nft(document(table("ip", "one", 22, "drop"), counter, table("ip", "two", 80, "drop", "filter forward 0")))
    assert one_table(apart) == apart
    bridge = nft('{"nftables": [{"add": {"table": {"family": "bridge", "name": "b"}}}]}')
    assert one_table((*apart[1:], *bridge)) == (*apart[1:], *bridge)


def test_two_chains_at_one_hook_are_two_sections_of_a_policy() -> None:
    """In their order: what the first accepts, the second sees."""
    apart = nft(document(table("ip", "one", 22, "accept"), table("inet", "two", 22, "drop", "filter input 10")))
    (one,) = one_table(apart)
    text = lift(one).text
    assert text.endswith(
        "input:\n  default: accept\n  rules:\n    - jump two-below\n\n"
        "mangle:\n  input:\n    - jump below where meta nfproto ipv4\n"
    )
    same(apart, (inspect_source(SourceFile("policy.yaml", text), Collector()).ruleset,))
    # The other way round, the second comes first.
    apart = nft(document(table("ip", "one", 22, "accept", "filter input 10"), table("inet", "two", 22, "drop")))
    assert "mangle:\n  input:\n    - jump two-below\n" in lift(one_table(apart)[0]).text
