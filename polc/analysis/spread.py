"""A rule with a verdict map as the rules that it stands for: one an element, in words that lints know."""

from __future__ import annotations

from dataclasses import replace

from polc.ir.addresses import AddressSet
from polc.ir.family import Family
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
    ServiceTerm,
)
from polc.ir.ruleset import Rule
from polc.ir.selectors import Conntrack, Direction, Element, InterfacePattern, KeyValue, Selector, Side, Transport
from polc.ir.verdicts import VerdictMap


def spread(rule: Rule) -> tuple[Rule, ...]:
    """The rules in the order of the elements, which no packet is in two of; any other rule alone."""
    if not isinstance(rule.verdict, VerdictMap):
        return (rule,)
    key = rule.verdict.key
    return tuple(
        replace(rule, matches=_narrowed(rule, key, element), verdict=verdict)
        for element, verdict in rule.verdict.elements
    )


def _narrowed(rule: Rule, key: tuple[Selector, ...], element: Element) -> tuple[Match, ...]:
    matches = rule.matches
    for selector, value in zip(key, element, strict=True):
        if selector is Transport.SPORT or selector is Transport.DPORT:
            assert isinstance(value, Intervals)
            matches = _with_ports(matches, selector, value)
        else:
            matches = (_asked(selector, value, rule), *matches)
    return matches


def _asked(selector: Selector, value: KeyValue, rule: Rule) -> Match:
    if isinstance(selector, Direction):
        assert isinstance(value, InterfacePattern)
        return InterfaceMatch(selector, (value,))
    assert isinstance(value, Intervals)
    match selector:
        case Side():
            (family,) = rule.families
            return AddressMatch(selector, AddressSet(ip=value) if family is Family.IP else AddressSet(ip6=value))
        case Conntrack():
            return CtStateMatch(_states(value))
        case Transport.PROTOCOL:
            return ServiceMatch(tuple(PortTerm(one) for low, high in value.ranges for one in range(low, high + 1)))
        case Transport():
            return ElementMatch((selector,), ((value,),))
        case _:
            return FieldMatch(selector, value)


def _states(value: Intervals) -> CtState:
    found = CtState(0)
    for state in CtState:
        if state.value in value:
            found |= state
    return found


def _with_ports(matches: tuple[Match, ...], selector: Transport, ports: Intervals) -> tuple[Match, ...]:
    """The matches with these ports in the service, where that has whole protocols; else with a match of their own."""
    for index, match in enumerate(matches):
        terms = [_with(term, selector, ports) for term in match.terms] if isinstance(match, ServiceMatch) else [None]
        sound = tuple(term for term in terms if term)
        if len(sound) == len(terms):
            return (*matches[:index], ServiceMatch(sound), *matches[index + 1 :])
    return (ElementMatch((selector,), ((ports,),)), *matches)


def _with(term: ServiceTerm, selector: Transport, ports: Intervals) -> PortTerm | None:
    """The term with these ports, None where it has others already, or is of ICMP."""
    match term:
        case PortTerm(sport=None) if selector is Transport.SPORT:
            return replace(term, sport=ports)
        case PortTerm(dport=None) if selector is Transport.DPORT:
            return replace(term, dport=ports)
        case _:
            return None
