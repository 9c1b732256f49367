"""Verdict maps as rules: each element in the words of plain matches."""

from __future__ import annotations

from polc.analysis.spread import spread
from polc.ir.addresses import AddressSet
from polc.ir.family import BOTH, Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    CtState,
    CtStateMatch,
    ElementMatch,
    FieldMatch,
    InterfaceMatch,
    Match,
    PortTerm,
    ServiceMatch,
)
from polc.ir.protocols import ICMP, TCP, UDP
from polc.ir.ruleset import Rule
from polc.ir.selectors import Conntrack, Direction, Element, InterfacePattern, Selector, Side, Transport
from polc.ir.statements import Counter
from polc.ir.verdicts import Accept, Drop, Jump, VerdictMap

ONE, TWO = Intervals.single(1), Intervals.single(2)


def matches(key: tuple[Selector, ...], element: Element, *before: Match, families: frozenset[Family] = BOTH) -> object:
    rule = Rule(before, VerdictMap(key, ((element, Accept()),)), families=families)
    (found,) = spread(rule)
    assert found.verdict == Accept()
    return found.matches


def test_other_rules_stay_as_they_are() -> None:
    rule = Rule((), Jump("a"))
    assert spread(rule) == (rule,)


def test_each_element_is_a_rule_with_all_that_its_rule_has() -> None:
    elements = (((ONE,), Accept()), ((TWO,), Jump("a")))
    rule = Rule((), VerdictMap((Field.META_MARK,), elements), (Counter(),), frozenset({Family.IP}))
    first, second = spread(rule)
    assert first == Rule((FieldMatch(Field.META_MARK, ONE),), Accept(), (Counter(),), frozenset({Family.IP}))
    assert (second.matches, second.verdict) == ((FieldMatch(Field.META_MARK, TWO),), Jump("a"))


def test_parts_become_matches() -> None:
    pattern, addresses = InterfacePattern("wg", wildcard=True), Intervals.of([(1, 9)])
    assert matches((Direction.IN,), (pattern,)) == (InterfaceMatch(Direction.IN, (pattern,)),)
    states = Intervals.of([(2, 2), (4, 4)])
    assert matches((Conntrack.STATE,), (states,)) == (CtStateMatch(CtState.ESTABLISHED | CtState.RELATED),)
    assert matches((Transport.PROTOCOL,), (Intervals.of([(6, 6), (17, 17)]),)) == (
        ServiceMatch((PortTerm(TCP), PortTerm(UDP))),
    )
    for family, found in ((Family.IP, AddressSet(ip=addresses)), (Family.IP6, AddressSet(ip6=addresses))):
        got = matches((Side.DADDR,), (addresses,), families=frozenset({family}))
        assert got == (AddressMatch(Side.DADDR, found),)


def test_ports_go_into_the_service() -> None:
    whole = ServiceMatch((PortTerm(TCP), PortTerm(UDP, sport=TWO)))
    assert matches((Transport.DPORT,), (ONE,), whole) == (
        ServiceMatch((PortTerm(TCP, dport=ONE), PortTerm(UDP, TWO, ONE))),
    )
    # A service that has such ports already is asked for both.
    assert matches((Transport.SPORT,), (ONE,), whole) == (ElementMatch((Transport.SPORT,), ((ONE,),)), whole)
    icmp = ServiceMatch((PortTerm(ICMP),))
    assert matches((Direction.IN, Transport.DPORT), (InterfacePattern("a"), ONE), icmp) == (
        InterfaceMatch(Direction.IN, (InterfacePattern("a"),)), ServiceMatch((PortTerm(ICMP, dport=ONE),)),
    )  # fmt: skip


def test_elements_keep_their_verdicts() -> None:
    rule = Rule((), VerdictMap((Field.CT_MARK,), (((ONE,), Drop()), ((TWO,), Accept()))))
    assert [one.verdict for one in spread(rule)] == [Drop(), Accept()]
