"""Zones beside helpers in table raw, lists of xt_recent, counters that begin somewhere, tables of one family."""

from __future__ import annotations

import pytest

from polc.backends.iptables.backend import IptablesBackend
from polc.backends.model import Fidelity, Options, Output
from polc.ir.family import BOTH, Family
from polc.ir.intervals import Intervals
from polc.ir.matches import CtState, CtStateMatch, ElementMatch, Match, PortTerm, ServiceMatch
from polc.ir.protocols import TCP, UDP
from polc.ir.ruleset import BaseChain, ChainType, Hook, Priority, RegularChain, Rule, Ruleset, TableFamily
from polc.ir.selectors import Transport
from polc.ir.stateful import KeyField, KeyPart, RecentMatch, RecentVerb
from polc.ir.statements import AssignHelper, AssignZone, Counter, CtDirection, Log, Notrack, Statement
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Return, Verdict
from polc.passes import pipeline

IP = frozenset({Family.IP})
FTP, DNS = (ServiceMatch((PortTerm(one, None, Intervals.single(port)),)) for one, port in ((TCP, 21), (UDP, 53)))
HELPER = Rule((FTP, CtStateMatch(CtState.NEW)), Accept(), (AssignHelper("ftp", TCP),))


def output(*chains: BaseChain | RegularChain, family: TableFamily = TableFamily.INET) -> Output:
    return IptablesBackend().emit(pipeline.run(Ruleset(chains, family=family)), Options("restore"))


def base(hook: Hook, *rules: Rule, priority: Priority = Priority.FILTER) -> BaseChain:
    return BaseChain(f"{priority.name}-{hook.value}", ChainType.FILTER, hook, priority.value, Accept(), rules)


def lines(found: Output, table: str, file: int = 0) -> list[str]:
    text = found.files[file].text.partition(f"*{table}\n")[2].partition("COMMIT")[0]
    return [line for line in text.splitlines() if line.startswith(("-A", "["))]


def raw(*rules: Rule) -> BaseChain:
    return base(Hook.PREROUTING, *rules, priority=Priority.RAW)


def does(*statements: Statement, matches: tuple[Match, ...] = (), verdict: Verdict | None = None) -> Rule:
    return Rule(matches, verdict, statements)


def test_a_zone_is_assigned_together_with_the_helper() -> None:
    found = output(
        raw(
            does(AssignZone(3), matches=(FTP,)),
            does(AssignZone(4, CtDirection.ORIGINAL)),
            does(Notrack(), matches=(DNS,)),
        ),
        base(Hook.INPUT, HELPER),
    )
    assert found.deviations == ()
    assert lines(found, "raw") == [
        "-A PREROUTING -p tcp -m tcp --dport 21 -j zone-1",
        "-A PREROUTING -j zone-2",
        "-A PREROUTING -p udp -m udp --dport 53 -j CT --notrack",
        "-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp",
        "-A zone-1 -p tcp -m tcp --dport 21 -j CT --helper ftp --zone 3",
        "-A zone-1 -j CT --zone 3",
        "-A zone-2 -p tcp -m tcp --dport 21 -j CT --helper ftp --zone-orig 4",
        "-A zone-2 -j CT --zone-orig 4",
    ]


def test_what_is_exempted_before_has_no_helper() -> None:
    found = output(raw(does(Notrack(), matches=(FTP,))), base(Hook.INPUT, HELPER))
    assert lines(found, "raw") == [
        "-A PREROUTING -p tcp -m tcp --dport 21 -j CT --notrack",
        "-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp",
    ]


@pytest.mark.parametrize("verdict", [None, Accept()])
def test_helpers_come_first_where_no_zone_is_theirs(verdict: Verdict | None) -> None:
    found = output(raw(does(AssignZone(3), matches=(DNS,), verdict=verdict)), base(Hook.INPUT, HELPER))
    assert found.deviations == ()
    assert lines(found, "raw")[:2] == [
        "-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp",
        "-A PREROUTING -p udp -m udp --dport 53 -j CT --zone 3",
    ]


def test_a_helper_that_has_no_place_is_refused() -> None:
    found = output(raw(does(AssignZone(3), verdict=Accept())), base(Hook.INPUT, HELPER))
    assert [(one.fidelity, one.name) for one in found.deviations] == [(Fidelity.REFUSED, "helper-zone")]
    assert lines(found, "raw") == ["-A PREROUTING -j CT --zone 3", "-A PREROUTING -j ACCEPT"]
    assert lines(found, "filter") == []


def test_a_chain_of_both_ways_with_helpers_is_refused() -> None:
    found = output(
        raw(does(verdict=Jump("zones"))),
        base(Hook.OUTPUT, does(verdict=Jump("zones")), priority=Priority.RAW),
        RegularChain("zones", (does(AssignZone(3)),)),
        base(Hook.INPUT, HELPER),
        base(Hook.OUTPUT, HELPER),
    )
    assert [(one.fidelity, one.name) for one in found.deviations] == [(Fidelity.REFUSED, "helper-zone")]


SOURCE = KeyPart(KeyField.SOURCE)
SEEN = RecentMatch(RecentVerb.SET, "seen", SOURCE)
ASKED = RecentMatch(RecentVerb.UPDATE, "seen", KeyPart(KeyField.DESTINATION), 60, 4, True, True, True)


def test_a_list_of_both_families_has_a_name_in_each() -> None:
    found = output(base(Hook.INPUT, does(matches=(SEEN,)), Rule((ASKED,), Drop())))
    assert lines(found, "filter") == [
        "-A INPUT -m recent --set --name seen --mask 255.255.255.255 --rsource",
        "-A INPUT -m recent ! --update --seconds 60 --reap --hitcount 4 --rttl --name seen "
        "--mask 255.255.255.255 --rdest -j DROP",
    ]
    assert " --name seen-v6 --mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --rsource" in found.files[1].text


def test_a_list_of_ipv6_alone_keeps_its_name() -> None:
    found = output(base(Hook.INPUT, Rule((SEEN,), None, families=frozenset({Family.IP6}))))
    assert "--name seen " in found.files[1].text


@pytest.mark.parametrize(
    ("name", "matches"),
    [
        ("recent-mask", (SEEN, RecentMatch(RecentVerb.RCHECK, "seen", KeyPart(KeyField.SOURCE, 24)))),
        ("recent-name", (RecentMatch(RecentVerb.SET, "a b", SOURCE),)),
        ("recent-name", (RecentMatch(RecentVerb.SET, "-a", SOURCE),)),
        ("recent-name", (RecentMatch(RecentVerb.SET, "..", SOURCE),)),
        ("recent-name", (RecentMatch(RecentVerb.SET, "a" * 200, SOURCE),)),
        ("recent-verb", (RecentMatch(RecentVerb.SET, "a", SOURCE, 60),)),
        ("recent-verb", (RecentMatch(RecentVerb.REMOVE, "a", SOURCE, ttl=True),)),
        ("recent-verb", (RecentMatch(RecentVerb.RCHECK, "a", SOURCE, reap=True),)),
        ("hits-count", (RecentMatch(RecentVerb.RCHECK, "a", SOURCE, hits=256),)),
        ("hits-window", (RecentMatch(RecentVerb.RCHECK, "a", SOURCE, 4294968),)),
        ("hits-key", (RecentMatch(RecentVerb.SET, "a", KeyPart(KeyField.SPORT)),)),
    ],
)
def test_lists_that_xt_recent_has_not(name: str, matches: tuple[Match, ...]) -> None:
    rules = (Rule((one,), None, families=IP) for one in matches)
    assert {one.name for one in output(base(Hook.INPUT, *rules)).deviations} == {name}


def test_counters_begin_in_one_line_of_one_file() -> None:
    found = output(base(Hook.INPUT, Rule((FTP,), Accept(), (Counter(None, 3, 180),), BOTH)))
    assert lines(found, "filter") == ["[3:180] -A INPUT -p tcp -m tcp --dport 21 -j ACCEPT"]
    assert lines(found, "filter", 1) == ["-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT"]
    assert "--counters" in found.files[0].text
    assert "--counters" not in found.files[1].text


def test_counters_of_several_lines_cannot_begin_anywhere() -> None:
    found = output(base(Hook.INPUT, Rule((FTP,), Accept(), (Counter(None, 3, 180), Log("x")))))
    assert [(one.fidelity, one.name) for one in found.deviations] == [(Fidelity.REFUSED, "counter-start")]


@pytest.mark.parametrize(("family", "name"), [(TableFamily.IP, "rules.v4"), (TableFamily.IP6, "rules.v6")])
def test_a_table_of_one_family_is_one_file(family: TableFamily, name: str) -> None:
    only = frozenset({Family(family.value)})
    found = output(base(Hook.INPUT, Rule((FTP,), Accept(), families=only)), family=family)
    assert [file.name for file in found.files] == [name]
    assert lines(found, "filter") == ["-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT"]


@pytest.mark.parametrize("family", [TableFamily.BRIDGE, TableFamily.ARP, TableFamily.NETDEV])
def test_other_packets_have_no_rules(family: TableFamily) -> None:
    found = output(base(Hook.INPUT), family=family)
    assert found.files == ()
    assert [(one.fidelity, one.name) for one in found.deviations] == [(Fidelity.REFUSED, "table-family")]


LISTED = ElementMatch((Transport.DPORT,), tuple((Intervals.single(port),) for port in (1, 3)))


@pytest.mark.parametrize("verdict", [Return(), Goto("other")])
def test_what_leaves_its_chain_stays_in_it(verdict: Verdict) -> None:
    other = RegularChain("other", ())
    service = ServiceMatch((PortTerm(TCP),))
    found = output(base(Hook.INPUT, Rule((service, LISTED), verdict)), other)
    assert len(lines(found, "filter")) == 2
    negated = ElementMatch(LISTED.key, LISTED.elements, negated=True)
    refused = output(base(Hook.INPUT, Rule((negated,), verdict)), other)
    assert {one.name for one in refused.deviations} == {"leaves-chain"}
