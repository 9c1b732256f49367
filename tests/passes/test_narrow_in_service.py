"""A test of the protocol's number beside a service is one of its terms."""

from __future__ import annotations

from polc.diagnostics import Collector
from polc.ir.intervals import Intervals
from polc.ir.matches import ElementMatch, Match, PortTerm, ServiceMatch
from polc.ir.protocols import ICMP, TCP, UDP
from polc.ir.ruleset import Rule
from polc.ir.selectors import Transport
from polc.passes import pipeline
from polc.passes.narrow_protocols import narrow_rule
from polc.policy.read import inspect_source
from polc.source import SourceFile

PORTS = Intervals.single(53)


def number(*protocols: int, negated: bool = False) -> ElementMatch:
    return ElementMatch((Transport.PROTOCOL,), ((Intervals.of((one, one) for one in protocols),),), negated)


def matches(*asked: Match) -> tuple[Match, ...] | None:
    rule = narrow_rule(Rule(asked, None))
    return None if rule is None else rule.matches


def test_terms_of_other_protocols_are_gone() -> None:
    service = ServiceMatch((PortTerm(ICMP), PortTerm(UDP, None, PORTS)))
    assert matches(service, number(TCP, UDP)) == (ServiceMatch((PortTerm(UDP, None, PORTS),)),)
    assert matches(number(UDP, negated=True), service) == (ServiceMatch((PortTerm(ICMP),)),)
    assert matches(service, number(TCP)) is None
    assert matches(service, number(ICMP, UDP), number(ICMP)) == (ServiceMatch((PortTerm(ICMP),)),)


def test_without_a_service_it_stays() -> None:
    assert matches(number(TCP)) == (number(TCP),)


def test_nft_is_not_asked_for_two_protocols() -> None:
    """Which it once refused to load."""
    text = 'polc: 1\ninput: {default: accept, rules: ["return icmpv6, udp/1024 where meta l4proto tcp, udp"]}\n'
    ruleset = pipeline.run(inspect_source(SourceFile("policy.yaml", text), Collector()).ruleset)
    (chain,) = ruleset.chains
    assert [rule.matches for rule in chain.rules] == [(ServiceMatch((PortTerm(UDP, None, Intervals.single(1024)),)),)]
