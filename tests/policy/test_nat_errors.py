"""What is said of rules that change addresses and cannot be: POL248 and others, and where."""

from __future__ import annotations

import pytest
from policies import errors

HEAD = """\
polc: 1
zones: {lan: eth1}
addresses: {hosts: 192.0.2.0/28}
"""


def places(rule: str, section: str = "nat: [%s]") -> list[tuple[str, str]]:
    quoted = "'" + rule + "'"
    return [(one.code, one.span.text) for one in errors(HEAD + section % quoted + "\n") if one.span]


NO_PORT = "a port is changed here, and the rule also speaks of packets that have none"
REPLACES = "`netmap` replaces one prefix, which must be written out"
NAMES_ONE = "`netmap` changes the addresses that one of `from` and `to` names"
ONLY_A_PORT = "takes the interface's own address: only a port can stand here"


@pytest.mark.parametrize(
    ("rule", "place", "message"),
    [
        ("dnat tcp/80", "dnat", "`dnat` needs what the packet gets"),
        ("snat", "snat", "`snat` needs what the packet gets"),
        ("netmap to 192.0.2.0/28", "netmap", "`netmap` needs what the packet gets"),
        ("dnat -> 192.0.2.1:80", "-> 192.0.2.1:80", NO_PORT),
        ("dnat icmp -> 192.0.2.1:80", "-> 192.0.2.1:80", NO_PORT),
        ("dnat tcp, icmp -> 192.0.2.1:80", "-> 192.0.2.1:80", NO_PORT),
        ("masquerade -> :1024", "-> :1024", NO_PORT),
        ("dnat tcp/80 -> :80", ":80", "`dnat` needs an address"),
        ("snat tcp/80 -> :80", ":80", "`snat` needs an address"),
        ("redirect tcp/80 -> 192.0.2.1", "192.0.2.1", f"`redirect` {ONLY_A_PORT}"),
        ("masquerade -> 192.0.2.1", "192.0.2.1", f"`masquerade` {ONLY_A_PORT}"),
        ("redirect tcp/80 -> :1, :2", "-> :1, :2", "of several targets each has an address"),
        ("dnat tcp/80 -> 192.0.2.1, :2", "-> 192.0.2.1, :2", "of several targets each has an address"),
        ("netmap -> 192.0.2.0/28", "netmap -> 192.0.2.0/28", NAMES_ONE),
        ("netmap from lan -> 192.0.2.0/28", "netmap from lan -> 192.0.2.0/28", NAMES_ONE),
        ("netmap to not 192.0.2.0/28 -> 198.51.100.0/28", "192.0.2.0/28", REPLACES),
        ("netmap to @hosts -> 198.51.100.0/28", "@hosts", REPLACES),
        ("netmap to 192.0.2.0-192.0.2.5 -> 198.51.100.0/28", "192.0.2.0-192.0.2.5", REPLACES),
        ("netmap to 192.0.2.0/28, 192.0.2.64/28 -> 198.51.100.0/28", "192.0.2.0/28", REPLACES),
        ("netmap to 192.0.2.0/28 -> 192.0.2.0/24", "192.0.2.0/24", "the new prefix has another length or family"),
        ("netmap to 192.0.2.0/28 -> 2001:db8::/28", "2001:db8::/28", ""),
        ("netmap to 10.0.0.0/8 -> 2000::/8", "2000::/8", "the new prefix has another length or family"),
        ("netmap to 192.0.2.0/28 -> 192.0.2.1-192.0.2.5", "192.0.2.1-192.0.2.5", "`netmap` needs a prefix such as"),
        ("netmap tcp/1 to 192.0.2.0/28 -> 198.51.100.0:80", "198.51.100.0:80", "`netmap` needs a prefix such as"),
    ],
)
def test_pol248_and_its_place(rule: str, place: str, message: str) -> None:
    (one,) = errors(HEAD + f"nat: ['{rule}']\n")
    assert (one.code, one.span and one.span.text) == ("POL248" if message else "POL116", place)
    assert one.message.startswith(message)


@pytest.mark.parametrize(
    ("target", "help"),
    [
        ("192.0.2.1:0", ""), ("192.0.2.1:65536", ""), ("192.0.2.1:90-80", ""), ("192.0.2.1:http", ""),
        ("80", "a port alone is written `:80`"), ("80-90", "a port alone is written `:80-90`"),
        ("192.0.2.256", ""), ("192.0.2.1/24", ""), ("192.0.2.9-192.0.2.1", ""), ("192.0.2.1-2001:db8::1", ""),
        ("somewhere", ""), ("[2001:db8::1", ""), ("[2001:db8::1]80", ""), ("[]:80", ""), ("[192.0.2]:80", ""),
    ],
)  # fmt: skip
def test_targets_that_are_none(target: str, help: str) -> None:
    (one,) = errors(HEAD + f"nat: ['dnat tcp/80 -> {target}']\n")
    assert (one.code, one.span and one.span.text) == ("POL116", target)
    if help:
        assert one.help == help


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ("accept tcp/1", "accept"),
        ("drop", "drop"),
        ('log "x"', 'log "x"'),
        ("jump there", "jump there"),
        ("tproxy tcp/1 -> :1", "tproxy"),
        ("notrack", "notrack"),
    ],
)
def test_rules_without_a_place_in_nat(rule: str, place: str) -> None:
    assert places(rule) == [("POL241", place)]


@pytest.mark.parametrize(
    ("rule", "section", "place"),
    [
        ("dnat tcp/1 -> 192.0.2.1", "input: {default: drop, rules: [%s]}", "dnat"),
        ("masquerade", "mangle: {postrouting: [%s]}", "masquerade"),
        ("snat -> 192.0.2.1", "chains: {c: [%s]}\noutput: {default: drop, rules: [jump c]}", "snat"),
    ],
)
def test_nat_has_its_own_section(rule: str, section: str, place: str) -> None:
    assert places(rule, section) == [("POL241", place)]


@pytest.mark.parametrize(
    ("rule", "place"),
    [("accept tcp/1 -> 192.0.2.1", "-> 192.0.2.1"), ("accept random", "random"), ("counter persistent", "persistent")],
)
def test_what_goes_with_nat_alone(rule: str, place: str) -> None:
    assert places(rule, "input: {default: drop, rules: [%s]}") == [("POL248", place)]


@pytest.mark.parametrize(
    ("rule", "code", "place"),
    [
        ("dnat to 2001:db8::1 -> 192.0.2.1", "POL220", "dnat to 2001:db8::1 -> 192.0.2.1"),
        ("snat icmpv6 -> 192.0.2.1", "POL220", "snat icmpv6 -> 192.0.2.1"),
        ("dnat to lan -> 192.0.2.1", "POL221", "lan"),
        ("dnat tcp/80 -> @hosts", "POL110", "@hosts"),
        ("dnat tcp/80 ->", "POL110", "->"),
    ],
)
def test_other_errors(rule: str, code: str, place: str) -> None:
    assert places(rule) == [(code, place)]


@pytest.mark.parametrize(
    ("rule", "code", "place"),
    [
        ("tproxy tcp/80", "POL248", "tproxy"),
        ("tproxy tcp/80 -> none", "POL116", "none"),
        ("tproxy -> :3", "POL248", "-> :3"),
        ("tproxy -> 192.0.2.1", "POL248", "tproxy -> 192.0.2.1"),
        ("tproxy proto sctp -> :1", "POL248", "tproxy proto sctp -> :1"),
        ("tproxy tcp/80 -> :1-2", "POL248", ":1-2"),
        ("tproxy tcp/80 -> 192.0.2.0/28", "POL248", "192.0.2.0/28"),
        ("tproxy tcp/80 -> 192.0.2.1, 192.0.2.2", "POL248", "192.0.2.2"),
        ("tproxy tcp/80 -> :1, 192.0.2.1", "POL248", "192.0.2.1"),
        ("tproxy tcp/80 -> :1 random", "POL248", "random"),
    ],
)
def test_tproxy_that_cannot_be(rule: str, code: str, place: str) -> None:
    assert places(rule, "mangle: {prerouting: [%s]}") == [(code, place)]


def test_a_colon_without_its_port() -> None:
    (one,) = errors(HEAD + "nat: ['dnat tcp/80 -> 192.0.2.1:']\n")
    assert (one.code, one.message) == ("POL110", "`:` cannot follow `192.0.2.1`")
