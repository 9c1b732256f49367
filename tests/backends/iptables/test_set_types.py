"""Which ipset a key of several parts is, its members, and what no ipset is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from polc.backends.iptables.backend import IptablesBackend
from polc.backends.model import Fidelity, IpsetUse, Options, Output
from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import BOTH, Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import AddressMatch, Direction, ElementMatch, Match, PortTerm, ServiceMatch, SetMatch, Side
from polc.ir.protocols import DCCP, TCP, UDP
from polc.ir.ruleset import BaseChain, ChainType, DynamicSet, Hook, Rule, Ruleset
from polc.ir.selectors import Element, InterfacePattern, KeyType, Selector, Transport
from polc.ir.statements import SetOperation, UpdateSet
from polc.ir.verdicts import Accept
from polc.passes import pipeline

IP, IP6 = KeyType.IPV4_ADDR, KeyType.IPV6_ADDR
PROTOCOL, PORT, LINK, MAC = KeyType.INET_PROTO, KeyType.INET_SERVICE, KeyType.IFNAME, KeyType.ETHER_ADDR
SADDR, DADDR, SPORT, DPORT = Side.SADDR, Side.DADDR, Transport.SPORT, Transport.DPORT
NUMBER = Transport.PROTOCOL
SERVICES = ServiceMatch((PortTerm(TCP), PortTerm(UDP, None, Intervals.single(53))))


def at(*texts: str) -> Intervals:
    return Intervals.of((low, high) for _, low, high in map(parse_address, texts))


def one(*numbers: int) -> Intervals:
    return Intervals.of((number, number) for number in numbers)


def emit(*rules: Rule, sets: tuple[DynamicSet, ...] = (), ipset: IpsetUse = IpsetUse.AUTO) -> Output:
    base = BaseChain("input", ChainType.FILTER, Hook.INPUT, 0, Accept(), rules)
    return IptablesBackend().emit(pipeline.run(Ruleset((base,), sets)), Options("restore", ipset=ipset))


def file(output: Output, name: str) -> list[str]:
    return next((one.text.splitlines() for one in output.files if one.name == name), [])


def made(one: DynamicSet) -> list[str]:
    output = emit(sets=(one,))
    assert output.deviations == ()
    return file(output, "sets.ipset")


def names(output: Output) -> list[str]:
    return [one.name for one in output.deviations]


TYPES: dict[str, tuple[tuple[KeyType, ...], tuple[Selector, ...], str]] = {
    "hash:ip": ((IP,), (SADDR,), "src"),
    "hash:ip,port": ((IP, PROTOCOL, PORT), (SADDR, NUMBER, DPORT), "src,dst"),
    "hash:ip,port,ip": ((IP, IP, PROTOCOL, PORT), (SADDR, DADDR, NUMBER, SPORT), "src,src,dst"),
    "hash:net,iface": ((LINK, IP), (Direction.OUT, SADDR), "src,dst"),
    "hash:net,net": ((IP, IP), (DADDR, SADDR), "dst,src"),
    "hash:mac": ((MAC,), (Field.ETHER_SADDR,), "src"),
}


@pytest.mark.parametrize("type", TYPES)
def test_types_and_ends(type: str) -> None:
    types, key, ends = TYPES[type]
    named = DynamicSet("s", types, 100, 60)
    output = emit(Rule((SERVICES, SetMatch(key, "s")), Accept()), sets=(named,))
    assert output.deviations == ()
    (line,) = file(output, "sets.ipset")
    family = "" if type == "hash:mac" else " family inet"
    assert line == f"create s {type} hashsize 128 maxelem 100 timeout 60{family}"
    assert f" -m set --match-set s {ends} " in file(output, "rules.v4")[-2]


def test_networks_have_types_of_their_own() -> None:
    (line,) = made(DynamicSet("s", (IP6, PROTOCOL, PORT), 100, None, intervals=True))
    assert line == "create s hash:net,port hashsize 128 maxelem 100 timeout 0 family inet6"


def test_ports_are_a_bitmap() -> None:
    ports = DynamicSet("s", (PORT,), None, None)
    output = emit(Rule((SERVICES, SetMatch((DPORT,), "s")), Accept()), sets=(ports,))
    assert file(output, "sets.ipset") == ["create s bitmap:port range 0-65535 timeout 0"]
    assert [line for line in file(output, "rules.v6") if "set s" in line] == [
        "-A INPUT -p tcp -m set --match-set s dst -m tcp -j ACCEPT",
        "-A INPUT -p udp -m set --match-set s dst -m udp --dport 53 -j ACCEPT",
    ]


@pytest.mark.parametrize(
    ("types", "element", "members"),
    [
        ((IP,), (at("192.0.2.0/24", "198.51.100.1-198.51.100.2"),), ["192.0.2.0/24", "198.51.100.1", "198.51.100.2"]),
        ((IP,), (at("0.0.0.0/0"),), ["0.0.0.0/1", "128.0.0.0/1"]),
        ((IP6,), (at("::/0"),), ["::/1", "8000::/1"]),
        ((IP6,), (at("::"),), ["::"]),
        (
            (IP, PROTOCOL, PORT),
            (at("192.0.2.1"), one(TCP, UDP), one(53, 54)),
            ["192.0.2.1,tcp:53", "192.0.2.1,tcp:54", "192.0.2.1,udp:53", "192.0.2.1,udp:54"],
        ),
        ((LINK, IP), (InterfacePattern("eth", True), at("192.0.2.0/24")), ["192.0.2.0/24,eth wildcard"]),
        ((IP, IP), (at("192.0.2.0/24"), at("198.51.100.0/24")), ["192.0.2.0/24,198.51.100.0/24"]),
        ((MAC,), (one(0xAABBCC),), ["00:00:00:AA:BB:CC"]),
        ((PORT,), (Intervals.of([(80, 82)]),), ["80", "81", "82"]),
    ],
)
def test_members(types: tuple[KeyType, ...], element: Element, members: list[str]) -> None:
    lines = made(DynamicSet("s", types, None, None, elements=(element,), intervals=True))
    assert [line.removeprefix("add s-new ") for line in lines if line.startswith("add")] == members


def test_what_rules_add_to_keeps_what_is_in_it() -> None:
    named = DynamicSet("s", (IP,), 10, 60, elements=((at("192.0.2.1"),),))
    output = emit(Rule((), Accept(), (UpdateSet((SADDR,), "s"),)), sets=(named,))
    assert file(output, "sets.ipset") == [
        "create s hash:ip hashsize 64 maxelem 10 timeout 60 family inet",
        "add s 192.0.2.1",
        "create polc-complete-v4 hash:net hashsize 64 maxelem 1 family inet",
    ]


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (SetOperation.ADD, "-j SET --add-set s src,dst"),
        (SetOperation.UPDATE, "-j SET --add-set s src,dst --exist"),
        (SetOperation.DELETE, "-j SET --del-set s src,dst"),
    ],
)
def test_operations(operation: SetOperation, words: str) -> None:
    named = DynamicSet("s", (IP, PROTOCOL, PORT), 10, 60)
    update = UpdateSet((SADDR, NUMBER, DPORT), "s", None, operation)
    output = emit(Rule((ServiceMatch((PortTerm(TCP),)),), None, (update,)), sets=(named,))
    assert file(output, "rules.v4")[-2] == f"-A INPUT -p tcp -m tcp {words}"


PAIRS = DynamicSet("s", (IP, PROTOCOL, PORT), 10, 60)
KEY = (SADDR, NUMBER, DPORT)


@pytest.mark.parametrize(
    ("name", "named", "rule"),
    [
        ("set-key", DynamicSet("s", (IP, PORT), 10, None), Rule((), Accept())),
        ("set-key", DynamicSet("s", (PROTOCOL, PORT), 10, None), Rule((), Accept())),
        ("set-key", PAIRS, Rule((SetMatch((SADDR, NUMBER, Field.META_MARK), "s"),), Accept())),
        ("set-key", DynamicSet("s", (MAC,), 9, 9), Rule((SetMatch((Field.ETHER_DADDR,), "s"),), Accept())),
        ("set-ports", PAIRS, Rule((SetMatch(KEY, "s", True),), Accept())),
        ("set-ports", PAIRS, Rule((ServiceMatch((PortTerm(47),)),), None, (UpdateSet(KEY, "s"),))),
        ("set-ports", PAIRS, Rule((ServiceMatch((PortTerm(DCCP),)),), None, (UpdateSet(KEY, "s"),))),
        ("set-ports", DynamicSet("s", (PORT,), None, 9), Rule((SetMatch((DPORT,), "s"),), Accept())),
        ("set-fill", replace(PAIRS, intervals=True), Rule((SERVICES,), None, (UpdateSet(KEY, "s"),))),
        ("set-size", DynamicSet("s", (PORT,), 10, None), Rule((), Accept())),
        ("set-size", replace(PAIRS, size=None), Rule((SERVICES,), None, (UpdateSet(KEY, "s"),))),
        ("set-size", DynamicSet("s", (IP,), 1, 9, elements=((at("1.1.1.1"),), (at("2.2.2.2"),))), Rule((), Accept())),
        ("set-name", replace(PAIRS, name="s-new"), Rule((), Accept())),
        ("set-element", DynamicSet("s", (IP,), 9, 9, elements=((at("0.0.0.0"),),)), Rule((), Accept())),
        ("set-element", DynamicSet("s", (IP,), 9, 9, elements=((at("10.0.0.0/8"),),)), Rule((), Accept())),
        ("set-element", replace(PAIRS, elements=((at("1.1.1.1"), one(47), one(1)),)), Rule((), Accept())),
        (
            "set-element",
            replace(PAIRS, elements=((at("1.1.1.1"), one(TCP, UDP), Intervals.of([(0, 65535)])),)),
            Rule((), Accept()),
        ),
    ],
)
def test_what_no_ipset_is(name: str, named: DynamicSet, rule: Rule) -> None:
    output = emit(rule, sets=(named,))
    assert set(names(output)) == {name}
    assert all(one.fidelity is Fidelity.REFUSED for one in output.deviations)


def test_a_set_that_is_no_ipset_is_in_the_rules_if_nothing_changes_it() -> None:
    links = DynamicSet(
        "s", (LINK,), None, None, elements=((InterfacePattern("eth0"),), (InterfacePattern("wg", True),))
    )
    output = emit(Rule((SetMatch((Direction.IN,), "s"),), Accept(), families=BOTH), sets=(links,))
    assert [(one.fidelity, one.name) for one in output.deviations] == [(Fidelity.APPROXIMATE, "set-fixed")]
    assert file(output, "rules.v4")[-3:-1] == ["-A INPUT -i eth0 -j ACCEPT", "-A INPUT -i wg+ -j ACCEPT"]
    assert file(output, "sets.ipset") == []


def _source(*texts: str, group: str = "", negated: bool = False) -> AddressMatch:
    return AddressMatch(SADDR, AddressSet.of(map(parse_address, texts)), negated, group)


def _hosts(number: int) -> list[str]:
    return [f"10.0.{n >> 7}.{(n & 127) * 2}" for n in range(number)]


@pytest.mark.parametrize(
    ("match", "auto", "always"),
    [
        (_source("192.0.2.1"), False, False),
        (_source("192.0.2.1", group="admins"), False, True),
        (_source("192.0.2.1", "192.0.2.9"), False, True),
        (_source(*_hosts(100), group="many"), False, True),
        (_source(*_hosts(101), group="many"), True, True),
        (_source(*_hosts(101), negated=True), True, True),
    ],
)
def test_which_groups_are_ipsets(match: Match, auto: bool, always: bool) -> None:
    for use, wanted in ((IpsetUse.AUTO, auto), (IpsetUse.ALWAYS, always), (IpsetUse.NEVER, False)):
        output = emit(Rule((match,), Accept(), families=frozenset({Family.IP})), ipset=use)
        assert any("--match-set" in line for line in file(output, "rules.v4")) is wanted, use
        assert bool(file(output, "sets.ipset")) is wanted


def test_groups_are_named_by_their_name_or_by_what_is_in_them() -> None:
    rules = [
        Rule((_source("192.0.2.1", "192.0.2.9", group=group),), Accept(), families=frozenset({Family.IP}))
        for group in ("admins", "", "with spaces", "a-name-of-more-than-twenty-letters", "admins")
    ]
    lines = file(emit(*rules, ipset=IpsetUse.ALWAYS), "sets.ipset")
    found = [line.split()[1] for line in lines if line.startswith("create") and "-new" not in line]
    assert found[0] == "polc-admins-v4"
    assert len(found) == len({*found}) == 5
    assert all(len(name) <= 27 for name in found)


def test_a_changed_group_keeps_its_name_and_its_limit() -> None:
    def lines(*texts: str) -> list[str]:
        rule = Rule((_source(*texts, group="admins"),), Accept(), families=frozenset({Family.IP}))
        return [
            one for one in file(emit(rule, ipset=IpsetUse.ALWAYS), "sets.ipset") if one.startswith("create polc-adm")
        ]

    assert [line.split("hashsize")[0] for line in lines("192.0.2.1")] == [
        line.split("hashsize")[0] for line in lines(*_hosts(90), "192.0.2.0/24")
    ]


def test_elements_that_no_ipset_has_are_lines() -> None:
    crowded = ElementMatch(
        (SADDR, Direction.IN), tuple((at("10.0.0.0/8"), InterfacePattern(f"i{n}")) for n in range(65))
    )
    ports = ElementMatch((NUMBER, DPORT), ((one(TCP), one(1)), (one(UDP), one(2))))
    negated = ElementMatch(KEY, ((at("10.0.0.1"), one(TCP), one(1)), (at("10.0.0.2"), one(TCP), one(1))), True)
    for match in (crowded, ports, negated):
        output = emit(Rule((match,), Accept(), families=frozenset({Family.IP})), ipset=IpsetUse.ALWAYS)
        assert output.deviations == ()
        assert file(output, "sets.ipset") == []


@pytest.mark.parametrize(
    ("first", "second", "type"),
    [
        ("10.0.0.1", "10.0.0.2", "hash:ip,port,ip"),
        ("10.0.0.1", "10.0.0.0/8", "hash:ip,port,net"),
        ("10.0.0.0/8", "10.0.0.1", "hash:ip,port,net"),
        ("10.0.0.0/8", "10.0.0.0/8", "hash:net,port,net"),
    ],
)
def test_single_addresses_stand_first(first: str, second: str, type: str) -> None:
    key = (SADDR, DADDR, NUMBER, DPORT)
    elements = tuple((at(first), at(second), one(TCP), one(port)) for port in (80, 443))
    rule = Rule((ElementMatch(key, elements),), Accept(), families=frozenset({Family.IP}))
    output = emit(rule, ipset=IpsetUse.ALWAYS)
    assert file(output, "sets.ipset")[0].split()[2] == type
    ends = "dst,dst,src" if "/" in first and "/" not in second else "src,dst,dst"
    assert f" {ends} " in file(output, "rules.v4")[-3]
