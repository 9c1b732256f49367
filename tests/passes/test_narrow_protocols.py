"""Narrowing to a protocol: which matches ask for one, what of a service is left; no packet sees a difference."""

from __future__ import annotations

import pytest

from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    FieldMatch,
    FlagField,
    FlagsMatch,
    IcmpTerm,
    Match,
    NameField,
    NameMatch,
    PortTerm,
    ServiceMatch,
    ServiceTerm,
    TcpOptionMatch,
    Trait,
    TraitMatch,
    protocol_of,
)
from polc.ir.origin import Origin
from polc.ir.protocols import DCCP, ICMP, PROTOCOLS, TCP, UDP
from polc.ir.ruleset import BaseChain, ChainType, Hook, RegularChain, Rule, Ruleset
from polc.ir.stateful import Limit, Rate, Unit
from polc.ir.statements import Counter
from polc.ir.verdicts import Accept, Drop
from polc.passes import pipeline
from polc.passes.narrow_protocols import narrow_protocols, narrow_rule

AH, ESP = PROTOCOLS["ah"], PROTOCOLS["esp"]
SYN = FlagsMatch(FlagField.TCP_FLAGS, 2, 2)
OF_TCP: tuple[Match, ...] = (
    SYN,
    FlagsMatch(FlagField.TCP_FLAGS, 2, 2, negated=True),
    TcpOptionMatch(4),
    TcpOptionMatch(4, negated=True),
    NameMatch(NameField.OSF_NAME, "Linux"),
    FieldMatch(Field.TCP_MSS, Intervals.of([(0, 536)])),
)
OF_ANY: tuple[Match, ...] = (
    FlagsMatch(FlagField.CT_STATUS, 2, 2),
    NameMatch(NameField.CT_HELPER, "ftp"),
    FieldMatch(Field.META_MARK, Intervals.single(1)),
    FieldMatch(Field.CT_ORIGINAL_DPORT, Intervals.single(80)),
    TraitMatch(Trait.FRAGMENT),
)
HTTP, DNS, PING = (
    PortTerm(TCP, dport=Intervals.single(80)), PortTerm(UDP, dport=Intervals.single(53)), IcmpTerm(ICMP, 8),
)  # fmt: skip


def narrowed(*terms: ServiceTerm, beside: tuple[Match, ...] = (SYN,)) -> tuple[Match, ...] | None:
    found = narrow_rule(Rule((ServiceMatch(terms), *beside), Accept()))
    return found.matches if found else None


@pytest.mark.parametrize("match", OF_TCP, ids=lambda one: type(one).__name__)
def test_what_asks_for_tcp(match: Match) -> None:
    assert protocol_of(match) == TCP
    assert narrowed(HTTP, DNS, PING, beside=(match,)) == (ServiceMatch((HTTP,)), match)
    assert narrowed(DNS, PING, beside=(match,)) is None


@pytest.mark.parametrize("match", OF_ANY, ids=lambda one: type(one).__name__)
def test_what_does_not(match: Match) -> None:
    assert protocol_of(match) is None
    assert narrowed(DNS, PING, beside=(match,)) == (ServiceMatch((DNS, PING)), match)


def test_fields_of_protocols_are_known() -> None:
    found = {field: protocol_of(FieldMatch(field, Intervals.single(0))) for field in Field}
    assert {field: one for field, one in found.items() if one is not None} == {
        Field.TCP_MSS: TCP, Field.AH_SPI: AH, Field.ESP_SPI: ESP, Field.DCCP_TYPE: DCCP,
    }  # fmt: skip
    assert found == {field: FIELDS[field].protocol for field in Field}


@pytest.mark.parametrize(("field", "protocol"), [(Field.AH_SPI, AH), (Field.ESP_SPI, ESP), (Field.DCCP_TYPE, DCCP)])
def test_what_asks_for_another_protocol(field: Field, protocol: int) -> None:
    match, own = FieldMatch(field, Intervals.single(5), negated=True), PortTerm(protocol)
    assert narrowed(HTTP, own, DNS, beside=(match,)) == (ServiceMatch((own,)), match)
    assert narrowed(HTTP, DNS, PING, beside=(match,)) is None


def test_no_packet_is_of_two_protocols() -> None:
    spi = FieldMatch(Field.ESP_SPI, Intervals.single(5))
    assert narrow_rule(Rule((SYN, spi), Accept())) is None
    assert narrowed(HTTP, PortTerm(ESP), beside=(SYN, spi)) is None


def test_a_rule_without_a_service_is_left_alone() -> None:
    rule = Rule((SYN,), Drop())
    assert narrow_rule(rule) is rule
    assert narrow_rule(Rule((), Accept())) == Rule((), Accept())


def test_all_tcp_terms_stay_in_their_order_and_so_do_the_other_matches() -> None:
    limit = Limit(Rate(1, Unit.SECOND), 5, False, (), "l")
    some = PortTerm(TCP, sport=Intervals.single(20))
    assert narrowed(some, DNS, HTTP, beside=(SYN, limit)) == (ServiceMatch((some, HTTP)), SYN, limit)


def test_what_else_a_rule_has_stays() -> None:
    rule = Rule((ServiceMatch((HTTP, DNS)), SYN), Drop(), (Counter(),), origin=Origin(name="web"))
    found = narrow_rule(rule)
    assert found == Rule((ServiceMatch((HTTP,)), SYN), Drop(), (Counter(),))
    assert found is not None
    assert found.origin.name == "web"


def test_a_rule_that_nothing_is_left_of_goes_from_its_chain() -> None:
    stays, goes = Rule((ServiceMatch((HTTP,)), SYN), Accept()), Rule((ServiceMatch((DNS,)), SYN), Accept())
    base = BaseChain("input", ChainType.FILTER, Hook.INPUT, 0, Drop(), (goes, stays, goes))
    ruleset = Ruleset((base, RegularChain("one", (goes,))))
    assert [chain.rules for chain in narrow_protocols(ruleset).chains] == [(stays,), ()]
    assert [chain.rules for chain in pipeline.run(ruleset).chains] == [(stays,), ()]


def test_twice_is_once() -> None:
    ruleset = Ruleset((RegularChain("one", (Rule((ServiceMatch((HTTP, DNS, PING)), SYN), Accept()),)),))
    once = narrow_protocols(ruleset)
    assert once != ruleset
    assert narrow_protocols(once) == once
