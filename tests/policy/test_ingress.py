"""The section `ingress`: chains of devices, and what they may have."""

from __future__ import annotations

import pytest
from policies import codes, errors, read

from polc.ir.matches import SetMatch
from polc.ir.ruleset import BaseChain, ChainType, Hook
from polc.ir.verdicts import Accept, Drop, Jump

HEAD = """\
polc: 1
zones: {wan: eth0}
addresses: {banned: {dynamic: true, timeout: 1h}}
chains: {scan: [drop udp/137]}
"""


def ingress(text: str) -> tuple[BaseChain, ...]:
    found = read(f"{HEAD}ingress: {text}\n").chains
    return tuple(one for one in found if isinstance(one, BaseChain))


def test_a_chain_for_each_device() -> None:
    first, second = ingress("{eth0: {default: accept, rules: [drop from @banned]}, wg0: {default: drop}}")
    assert (first.name, first.type, first.hook, first.priority) == ("ingress-eth0", ChainType.FILTER, Hook.INGRESS, 0)
    assert (first.policy, first.devices) == (Accept(), ("eth0",))
    assert [one.matches[0] for one in first.rules if isinstance(one.matches[0], SetMatch)] == [
        one.matches[0] for one in first.rules
    ]
    assert (second.name, second.policy, second.devices, second.rules) == ("ingress-wg0", Drop(), ("wg0",), ())


def test_names_of_devices_are_names_of_chains_as_far_as_they_can_be() -> None:
    found = ingress('{"a@b": {default: accept}, "a#b": {default: accept}, br-lan: {default: accept}}')
    assert [(one.name, one.devices) for one in found] == [
        ("ingress-a_b", ("a@b",)), ("ingress-a_b_", ("a#b",)), ("ingress-br-lan", ("br-lan",)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "rule",
    [
        "drop from 192.0.2.0/24",
        "accept tcp/22 from wan",
        "drop udp over 1000/second burst 1000 per source",
        "drop tcp where tcp flags & (syn | fin) == syn | fin",
        'log "in: " limit 5/minute',
        "ban @banned 10m udp/137",
        "counter",
        "jump scan udp",
        "mark set 1 udp",
        "drop where ether saddr 02:00:5e:00:53:01",
    ],
)
def test_what_needs_no_connection(rule: str) -> None:
    assert ingress(f"{{eth0: {{default: accept, rules: ['{rule}']}}}}")


def test_chains_that_it_leads_to_have_its_places() -> None:
    (chain,) = ingress("{eth0: {default: accept, rules: [jump scan]}}")
    assert chain.rules[0].verdict == Jump("scan")
    text = HEAD.replace("drop udp/137", "accept state established")
    (one,) = errors(f"{text}ingress: {{eth0: {{default: accept, rules: [jump scan]}}}}\n")
    assert (one.code, one.message) == ("POL241", "`state` cannot stand in `scan`")


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("accept state new", "POL241"),
        ("drop connections over 5 per source", "POL241"),
        ("reject", "POL241"),
        ("queue 5", "POL241"),
        ("notrack", "POL241"),
        ("helper ftp tcp/21", "POL241"),
        ("accept where ct mark 1", "POL241"),
        ("accept where fib daddr type local", "POL241"),
        ("accept where socket", "POL241"),
        ("masquerade", "POL241"),
        ("use stateful", "POL222"),
        ("use loopback", "POL222"),
        ("accept to wan", "POL221"),
        ("vmap oifname {eth0: accept}", "POL221"),
    ],
)
def test_what_is_not_known_there(rule: str, code: str) -> None:
    assert codes(f"{HEAD}ingress: {{eth0: {{default: accept, rules: ['{rule}']}}}}\n") == [code]


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        ("{eth0: {rules: []}}", "POL214", "eth0"),
        ("{eth0: {default: reject}}", "POL104", "reject"),
        ('{"eth*": {default: drop}}', "POL117", '"eth*"'),
        ("{an-interface-name: {default: drop}}", "POL117", "an-interface-name"),
        ("{eth0: {default: drop, rule: []}}", "POL101", "rule"),
        ("[eth0]", "POL102", "[eth0]"),
    ],
)
def test_errors(text: str, code: str, at: str) -> None:
    (one,) = errors(f"polc: 1\ningress: {text}\n")
    assert (one.code, one.span and one.span.text) == (code, at)


def test_no_chain_of_a_policy_has_its_name() -> None:
    text = "polc: 1\nchains: {ingress-eth0: [drop]}\ningress: {eth0: {default: accept, rules: [jump ingress-eth0]}}\n"
    assert codes(text) == ["POL211"]
    assert read("polc: 1\nchains: {ingress-eth0: [drop]}\ninput: {default: drop, rules: [jump ingress-eth0]}\n")


def test_a_wrong_rule_does_not_hide_the_others() -> None:
    text = "polc: 1\ningress: {eth0: {default: nothing, rules: [accept shh, 5, drop tpc/1]}}\n"
    assert sorted(codes(text)) == ["POL102", "POL104", "POL203", "POL208"]
