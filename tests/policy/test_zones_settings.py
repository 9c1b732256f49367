"""Zones of interfaces and addresses, and the section `settings`."""

from __future__ import annotations

import pytest
from policies import errors, policy, read

from polc.diagnostics import Collector
from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import BOTH, FAMILIES, Family
from polc.ir.matches import AddressMatch, Direction, InterfaceMatch, InterfacePattern, Match, Side
from polc.ir.ruleset import Rule
from polc.ir.statements import Log, LogLevel
from polc.policy.read import inspect_source
from polc.source import SourceFile

HEAD = """\
zones:
  wan: eth0
  lan: {interfaces: [eth1, "wg*"], addresses: [192.0.2.0/24, "2001:db8::/64"]}
  four: {interfaces: eth4, addresses: "@four"}
  plain: {interfaces: eth5}
addresses: {four: 198.51.100.0/24}
"""
IP, IP6 = (frozenset({family}) for family in FAMILIES)
LAN = AddressSet.of(map(parse_address, ("192.0.2.0/24", "2001:db8::/64")))
FOUR = AddressSet.of([parse_address("198.51.100.0/24")])


def rules(*written: str, chain: str = "forward") -> tuple[Rule, ...]:
    return read(policy(*written, chain=chain, head=HEAD)).chains[0].rules


def places(text: str) -> list[tuple[str, str]]:
    return [(one.code, one.span.text) for one in errors(text) if one.span]


def through(direction: Direction, *names: str, negated: bool = False) -> InterfaceMatch:
    patterns = (InterfacePattern(one.rstrip("*"), one.endswith("*")) for one in names)
    return InterfaceMatch(direction, tuple(patterns), negated)


IN, OUT = Direction.IN, Direction.OUT
FROM_LAN, TO_FOUR = AddressMatch(Side.SADDR, LAN), AddressMatch(Side.DADDR, FOUR)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("accept from plain", [((through(IN, "eth5"),), BOTH)]),
        ("accept from plain, wan", [((through(IN, "eth0", "eth5"),), BOTH)]),
        ("accept from lan", [((through(IN, "eth1", "wg*"), FROM_LAN), BOTH)]),
        ("accept to four", [((through(OUT, "eth4"), TO_FOUR), IP)]),
        ("accept from lan to four", [((through(IN, "eth1", "wg*"), through(OUT, "eth4"), FROM_LAN, TO_FOUR), IP)]),
        # Zones that are interfaces alone are one match, each of the others one of its own.
        (
            "accept from wan, lan, plain",
            [((through(IN, "eth0", "eth5"),), BOTH), ((through(IN, "eth1", "wg*"), FROM_LAN), BOTH)],
        ),
        # Outside of a zone is what uses another interface or has another address.
        (
            "accept from not lan",
            [
                ((through(IN, "eth1", "wg*", negated=True),), BOTH),
                ((AddressMatch(Side.SADDR, LAN, negated=True),), BOTH),
            ],
        ),
        (
            "accept to not four, wan",
            [
                ((through(OUT, "eth0", negated=True), through(OUT, "eth4", negated=True)), BOTH),
                ((through(OUT, "eth0", negated=True), AddressMatch(Side.DADDR, FOUR, negated=True)), BOTH),
            ],
        ),
        (
            "accept from lan not 192.0.2.1",
            [
                (
                    (
                        through(IN, "eth1", "wg*"),
                        FROM_LAN,
                        AddressMatch(Side.SADDR, AddressSet.of([parse_address("192.0.2.1")]), negated=True),
                    ),
                    BOTH,
                )
            ],
        ),
    ],
)
def test_zones(rule: str, expected: list[tuple[tuple[Match, ...], frozenset[Family]]]) -> None:
    assert [(one.matches, one.families) for one in rules(rule)] == expected


def test_a_zone_and_addresses_of_another_family_meet_in_no_packet() -> None:
    rule = "accept from four to 2001:db8::1"
    assert places(policy(rule, chain="forward", head=HEAD)) == [("POL220", rule)]
    assert [one.families for one in rules("accept from four, lan to 2001:db8::1")] == [IP6]


@pytest.mark.parametrize(
    ("zone", "code", "text"),
    [
        ("{interfaces: eth0, addresses: '@no'}", "POL202", "@no"),
        ("{interfaces: eth0, addresses: 10.1}", "POL102", "10.1"),
        ("{interfaces: eth0, addresses: 192.0.2.1/24}", "POL116", "192.0.2.1/24"),
        ("{interfaces: eth0, addresses: []}", "POL106", "[]"),
        ("{interfaces: a/b, addresses: 192.0.2.1}", "POL117", "a/b"),
        ("{interfaces: []}", "POL106", "[]"),
        ("{addresses: 192.0.2.1}", "POL103", "addresses"),
    ],
)
def test_a_wrong_zone_is_told_once(zone: str, code: str, text: str) -> None:
    assert places(policy("accept from z", "drop from not z", head=f"zones: {{z: {zone}}}\n")) == [(code, text)]


def test_a_key_near_the_right_one() -> None:
    (unknown,) = errors("polc: 1\nzones: {z: {interface: eth0}}\n")
    assert (unknown.code, unknown.help) == ("POL101", "did you mean `interfaces`?")


def test_loopback_is_built_in() -> None:
    (rule,) = rules("accept from loopback", chain="input")
    assert rule.matches == (through(IN, "lo"),)
    assert places("polc: 1\nzones: {loopback: lo}\n") == [("POL211", "loopback")]


def test_the_table_has_a_name() -> None:
    assert read("polc: 1\n").table == "polc"
    found = read("polc: 1\nsettings: {table: fire-wall}\n")
    assert found.table == "fire-wall"
    assert found.origin.span
    assert found.origin.span.text == "fire-wall"


LINES = ('log "a"', 'log "b" level err', 'log "c" group 3')


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("{}", Log("a", LogLevel.WARN)),
        ("{level: info}", Log("a", LogLevel.INFO)),
        ("{group: 7}", Log("a", LogLevel.WARN, 7)),
        ("{group: 0}", Log("a", LogLevel.WARN, 0)),
    ],
)
def test_a_log_that_says_nothing_takes_what_is_set(log: str, expected: Log) -> None:
    (chain,) = read(policy(*LINES, head=f"settings: {{log: {log}}}\n")).chains
    assert [one.statements for one in chain.rules] == [
        (expected,), (Log("b", LogLevel.ERR),), (Log("c", LogLevel.WARN, 3),),
    ]  # fmt: skip


def test_the_rate_of_a_log_and_what_is_set() -> None:
    (chain,) = read(policy('log "a" at 1/minute', head="settings: {log: {level: debug}}\n")).chains
    assert chain.rules[0].statements == (Log("a", LogLevel.DEBUG),)


def test_management() -> None:
    def management(settings: str) -> list[str]:
        source = SourceFile("-", f"polc: 1\nservices: {{web: tcp/80}}\nsettings: {settings}\n")
        return [str(one.term) for one in inspect_source(source, Collector()).settings.management or ()]

    assert management("{}") == []
    assert len(management("{management: 'web, tcp/2222'}")) == 2
    assert management("{management: ssh}") == management("{management: tcp/22}")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("{table: 1x}", [("POL105", "1x")]),
        ("{management: shh}", [("POL203", "shh")]),
        ("{management: icmp/echo}", [("POL209", "icmp/echo")]),
        ("{log: {level: loud}}", [("POL231", "loud")]),
        ("{log: {group: 65536}}", [("POL108", "65536")]),
        ("{log: {group: 1, level: info}}", [("POL121", "info")]),
        ("{log: warn}", [("POL102", "warn")]),
        ("{colour: red}", [("POL101", "colour")]),
        ("{management: shh, table: 1x}", [("POL203", "shh"), ("POL105", "1x")]),
    ],
)
def test_wrong_settings(settings: str, expected: list[tuple[str, str]]) -> None:
    assert places(policy('log "a"', head=f"settings: {settings}\n")) == expected
    assert places(f"polc: 1\nsettings: {settings}\n") == expected
