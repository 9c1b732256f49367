"""The section `nat`, and `tproxy`: what packets get, and in which family."""

from __future__ import annotations

import pytest
from policies import read

from polc.ir.addresses import parse_address
from polc.ir.family import BOTH, FAMILIES, Family
from polc.ir.intervals import Intervals
from polc.ir.matches import AddressMatch, Limit
from polc.ir.ruleset import BaseChain, ChainType, RegularChain, Rule, Ruleset
from polc.ir.stateful import EveryNth
from polc.ir.statements import Counter, Log, SetMark, Tproxy
from polc.ir.verdicts import Accept, Jump, Nat, NatKind, Verdict

HEAD = """\
polc: 1
zones: {wan: eth0, lan: eth1}
services: {web: "tcp/80,443"}
"""
IP, IP6 = (frozenset({family}) for family in FAMILIES)


def ruleset(*rules: str) -> Ruleset:
    return read(HEAD + "nat:\n" + "".join(f"  - {rule}\n" for rule in rules))


def rules(rule: str) -> tuple[Rule, ...]:
    """The rules of the one chain that comes of it."""
    (chain,) = ruleset(rule).chains
    assert isinstance(chain, BaseChain)
    assert chain.type is ChainType.NAT
    return chain.rules


def got(rule: str) -> list[tuple[Verdict | None, frozenset[Family]]]:
    return [(one.verdict, one.families) for one in rules(rule)]


def new(kind: NatKind, addresses: str = "", ports: tuple[int, int] | None = None, **flags: bool) -> Nat:
    family, low, high = parse_address(addresses) if addresses else (None, 0, 0)
    found = Intervals.of([(low, high)]) if addresses else None
    return Nat(kind, family, found, Intervals.of([ports]) if ports else None, **flags)


SNAT, DNAT, MASQUERADE, REDIRECT = NatKind.SNAT, NatKind.DNAT, NatKind.MASQUERADE, NatKind.REDIRECT


@pytest.mark.parametrize(
    ("rule", "verdict", "families"),
    [
        ("snat -> 198.51.100.1", new(SNAT, "198.51.100.1"), IP),
        ("snat -> 2001:db8::1", new(SNAT, "2001:db8::1"), IP6),
        ("snat -> [2001:db8::1]", new(SNAT, "2001:db8::1"), IP6),
        ("snat -> 198.51.100.1-198.51.100.9", new(SNAT, "198.51.100.1-198.51.100.9"), IP),
        ("snat -> 198.51.100.0/28", new(SNAT, "198.51.100.0/28"), IP),
        ("snat tcp/80 -> 198.51.100.1:1024-2000", new(SNAT, "198.51.100.1", (1024, 2000)), IP),
        ("dnat -> 192.0.2.10", new(DNAT, "192.0.2.10"), IP),
        ("dnat tcp/80 -> 192.0.2.10:8080", new(DNAT, "192.0.2.10", (8080, 8080)), IP),
        ("dnat web -> 192.0.2.1-192.0.2.9:1-65535", new(DNAT, "192.0.2.1-192.0.2.9", (1, 65535)), IP),
        ("dnat udp/53 -> [2001:db8::1]:5353", new(DNAT, "2001:db8::1", (5353, 5353)), IP6),
        ("dnat udp/53 -> [2001:db8::1-2001:db8::9]:5353", new(DNAT, "2001:db8::1-2001:db8::9", (5353, 5353)), IP6),
        ("dnat udp/53 -> [2001:db8::1]-[2001:db8::9]:5353", new(DNAT, "2001:db8::1-2001:db8::9", (5353, 5353)), IP6),
        ("dnat proto sctp -> 192.0.2.10:1", new(DNAT, "192.0.2.10", (1, 1)), IP),
        ("dnat icmp/echo-request -> 192.0.2.10", new(DNAT, "192.0.2.10"), IP),
        ("masquerade", new(MASQUERADE), BOTH),
        ("masquerade to 192.0.2.0/24", new(MASQUERADE), IP),
        ("masquerade tcp -> :1024-65535", new(MASQUERADE, ports=(1024, 65535)), BOTH),
        ("redirect tcp/80", new(REDIRECT), BOTH),
        ("redirect tcp/80 to 2001:db8::/32 -> :3128", new(REDIRECT, ports=(3128, 3128)), IP6),
        ("masquerade random", new(MASQUERADE, random=True), BOTH),
        ("snat -> 198.51.100.1 persistent", new(SNAT, "198.51.100.1", persistent=True), IP),
        ("redirect tcp/80 -> :1 random persistent", new(REDIRECT, ports=(1, 1), random=True, persistent=True), BOTH),
        ("netmap to 203.0.113.0/28 -> 192.0.2.0/28", new(NatKind.NETMAP_DESTINATION, "192.0.2.0/28"), IP),
        ("netmap from 203.0.113.0/28 -> 192.0.2.0/28", new(NatKind.NETMAP_SOURCE, "192.0.2.0/28"), IP),
        ("netmap from 2001:db8:1::/64 -> 2001:db8:2::/64", new(NatKind.NETMAP_SOURCE, "2001:db8:2::/64"), IP6),
        ("netmap to 203.0.113.1 -> 192.0.2.1", new(NatKind.NETMAP_DESTINATION, "192.0.2.1"), IP),
    ],
)
def test_one_target(rule: str, verdict: Nat, families: frozenset[Family]) -> None:
    assert got(rule) == [(verdict, families)]


@pytest.mark.parametrize("rule", ["masquerade", "snat", "dnat tcp/80", "redirect tcp/80", "netmap to 203.0.113.0/28"])
def test_none_leaves_packets_as_they_are(rule: str) -> None:
    (found,) = rules(f"{rule} -> none")
    assert found.verdict == Accept()


def test_a_target_of_each_family() -> None:
    assert got("dnat web -> 192.0.2.10, 2001:db8::10") == [
        (new(DNAT, "192.0.2.10"), IP), (new(DNAT, "2001:db8::10"), IP6),
    ]  # fmt: skip
    assert got("dnat web -> 2001:db8::10, 192.0.2.10") == got("dnat web -> 192.0.2.10, 2001:db8::10")


@pytest.mark.parametrize("number", [2, 3, 5])
def test_several_targets_share_what_comes(number: int) -> None:
    found = rules("snat -> " + ", ".join(f"198.51.100.{one}" for one in range(1, number + 1)))
    assert [one.verdict for one in found] == [new(SNAT, f"198.51.100.{one}") for one in range(1, number + 1)]
    # What is left is shared anew by those that are left: the last gets the rest.
    assert [one.matches for one in found] == [*((EveryNth(left),) for left in range(number, 1, -1)), ()]
    reached = 1.0
    for rule in found:
        share = 1 / rule.matches[0].every if rule.matches and isinstance(rule.matches[0], EveryNth) else 1
        assert reached * share == pytest.approx(1 / number)
        reached -= reached * share


def test_each_family_shares_its_own() -> None:
    found = rules("snat -> 198.51.100.1, 2001:db8::1, 198.51.100.2 persistent")
    assert [(one.matches, one.families) for one in found] == [((EveryNth(2),), IP), ((), IP), ((), IP6)]
    assert all(isinstance(one.verdict, Nat) and one.verdict.persistent for one in found)


def test_a_limit_counts_once_before_a_target_is_chosen() -> None:
    base, targets = ruleset("dnat tcp/80 limit 3/second -> 192.0.2.1, 192.0.2.2").chains
    assert isinstance(targets, RegularChain)
    (rule,) = base.rules
    assert isinstance(rule.matches[-1], Limit)
    assert (rule.verdict, rule.families) == (Jump(targets.name), IP)
    assert [(one.matches, one.verdict) for one in targets.rules] == [
        ((EveryNth(2),), new(DNAT, "192.0.2.1")), ((), new(DNAT, "192.0.2.2")),
    ]  # fmt: skip


def test_a_limit_and_a_target_a_family_need_no_chain() -> None:
    found = rules("dnat tcp/80 limit 3/second -> 192.0.2.1, 2001:db8::1")
    assert [one.families for one in found] == [IP, IP6]
    assert all(isinstance(one.matches[-1], Limit) for one in found)


def test_a_paced_log_is_for_the_packets_of_the_rule() -> None:
    base, rest = ruleset('dnat tcp/80 log "x" at 3/second -> 192.0.2.1').chains
    (rule,) = base.rules
    assert (rule.verdict, rule.families) == (Jump(rest.name), IP)
    paced, target = rest.rules
    assert (paced.statements, paced.verdict, paced.families) == ((Log("x"),), None, IP)
    assert target.verdict == new(DNAT, "192.0.2.1")


def test_what_a_rule_does_besides() -> None:
    (found,) = rules('dnat tcp/80 from wan log "x" counter mark set 1 -> 192.0.2.1')
    assert found.statements == (Counter(), SetMark(found.statements[1].field, 1), Log("x"))  # type: ignore[union-attr]


def test_destinations_change_before_the_route_and_sources_after() -> None:
    found = ruleset(
        "snat -> 198.51.100.1", "dnat -> 192.0.2.1", "masquerade to lan", "redirect tcp/80 from lan",
        "netmap from 192.0.2.0/28 -> 198.51.100.0/28", "netmap to 198.51.100.0/28 -> 192.0.2.0/28",
    ).chains  # fmt: skip
    kinds = {
        chain.name: [one.verdict.kind for one in chain.rules if isinstance(one.verdict, Nat)] for chain in found
    }  # fmt: skip
    assert kinds == {
        "nat-prerouting": [DNAT, REDIRECT, NatKind.NETMAP_DESTINATION],
        "nat-postrouting": [SNAT, MASQUERADE, NatKind.NETMAP_SOURCE],
    }


def test_addresses_decide_the_family() -> None:
    (found,) = rules("dnat tcp/80 to 203.0.113.1 -> 192.0.2.10")
    assert isinstance(found.matches[0], AddressMatch)
    assert found.families == IP
    # Of a mixed rule the packets of the target's family alone can get it.
    (found,) = rules('"dnat tcp/80 to 203.0.113.1, 2001:db8::1 -> 192.0.2.10"')
    assert found.families == IP


def proxied(rule: str) -> list[tuple[object, frozenset[Family]]]:
    (chain,) = read(HEAD + f"mangle: {{prerouting: ['{rule}']}}\n").chains
    assert all(one.verdict == Accept() for one in chain.rules)
    return [(one.statements[-1], one.families) for one in chain.rules]


def test_tproxy() -> None:
    address = {family: parse_address(text)[1] for family, text in zip(FAMILIES, ("127.0.0.1", "::1"), strict=True)}
    assert proxied("tproxy tcp/80 -> :3129") == [(Tproxy(3129), BOTH)]
    assert proxied("tproxy udp -> 127.0.0.1") == [(Tproxy(None, Family.IP, address[Family.IP]), IP)]
    assert proxied("tproxy tcp/80 mark set 1 -> 127.0.0.1:1, [::1]:2") == [
        (Tproxy(1, Family.IP, address[Family.IP]), IP), (Tproxy(2, Family.IP6, address[Family.IP6]), IP6),
    ]  # fmt: skip
