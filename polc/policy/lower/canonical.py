"""A rule as one text that does not depend on how it was written: string or mapping, and clauses in what order."""

from __future__ import annotations

from collections.abc import Iterator

from polc.ir.intervals import Intervals
from polc.ir.matches import IcmpTerm, PortTerm, ServiceTerm
from polc.ir.services import normalise
from polc.policy.document import (
    Ban,
    Chance,
    Clause,
    Condition,
    ConnectionCount,
    Copying,
    Destination,
    Endpoint,
    FlowMarking,
    HitCount,
    HopLimitSetting,
    Marking,
    Names,
    NativeWords,
    Offloading,
    OptionReset,
    Over,
    PrioritySetting,
    Rate,
    RuleDocument,
    Sighting,
    Source,
    States,
    Target,
    TimeoutName,
    TtlSetting,
    Turn,
    Under,
    Volume,
    Word,
    ZoneSetting,
)
from polc.policy.lower.scope import Service
from polc.source import Span

_OTHERS: tuple[type[Clause], ...] = (
    ConnectionCount,
    Volume,
    Sighting,
    Turn,
    Chance,
    NativeWords,
    Condition,
    Ban,
    Marking,
    FlowMarking,
    ZoneSetting,
    TimeoutName,
    TtlSetting,
    HopLimitSetting,
    PrioritySetting,
    Copying,
    Offloading,
    OptionReset,
    Target,
)
"""Clauses that tell one rule from another, and have no form of their own here."""


def canonical(rule: RuleDocument, service: Service) -> str:
    """The rule's text; its service in numbers, everything else in the user's words."""
    parts = [rule.verdict.decision.value if rule.verdict else "continue"]
    if rule.verdict and rule.verdict.answer:
        parts.append(f"with {rule.verdict.answer.text}")
    if rule.verdict and rule.verdict.flags:
        parts.append("flags " + ",".join(sorted(word.text for word in rule.verdict.flags)))
    if rule.verdict and rule.verdict.map:
        parts += _words_of(rule.verdict.map)
    if service:
        parts.append(",".join(_term(term) for term in normalise(part.term for part in service).terms))
    source, destination, states = rule.find(Source), rule.find(Destination), rule.find(States)
    if source:
        parts.append(f"from {_endpoint(source.endpoint)}")
    if destination:
        parts.append(f"to {_endpoint(destination.endpoint)}")
    if states:
        parts.append("state " + ",".join(sorted(word.text for word in states.words)))
    under, over, hits = rule.find(Under), rule.find(Over), rule.find(HitCount)
    if under:
        parts.append(f"limit {_rate(under.rate)}")
    if over:
        parts.append(f"over {_rate(over.rate)}")
    if hits:
        again = " refresh" if hits.refresh else ""
        parts.append(f"hits {hits.number.text} in {hits.within.text} per {_list(hits.per)}{again}")
    parts += [" ".join(_words_of(found)) for kind in _OTHERS if (found := rule.find(kind))]
    return " ".join(parts)


def _words_of(part: object) -> Iterator[str]:
    """What a part of a document says, with the names of its nodes, and without its places."""
    match part:
        case Word(text):
            yield text
        case Span():
            return
        case ConnectionCount(size=None):
            # The names of state that policies had before there was a size stay.
            yield type(part).__name__
            for one in part[:-1]:
                yield from _words_of(one)
        case tuple():
            if hasattr(part, "_fields"):
                yield type(part).__name__
            for one in part:
                yield from _words_of(one)
        case _:
            yield str(part)


def _list(words: tuple[Word, ...]) -> str:
    return ",".join(word.text for word in words)


def _endpoint(endpoint: Endpoint) -> str:
    return " ".join(_names(one) for one in (endpoint.zones, endpoint.addresses) if one)


def _names(names: Names) -> str:
    return ("not " if names.negated else "") + _list(names.words)


def _rate(rate: Rate) -> str:
    burst = f" burst {rate.burst.text}" if rate.burst else ""
    size = f" size {rate.size.text}" if rate.size else ""
    return f"{rate.rate.text}{burst}" + (f" per {_list(rate.per)}{size}" if rate.per else "")


def _term(term: ServiceTerm) -> str:
    match term:
        case IcmpTerm(protocol, kind, code):
            return f"{protocol}/{kind}" + ("" if code is None else f"/{code}")
        case PortTerm(protocol, sport, dport):
            return f"{protocol}:{_ports(sport)}:{_ports(dport)}"


def _ports(ports: Intervals | None) -> str:
    return "*" if ports is None else "+".join(f"{low}-{high}" for low, high in ports.ranges)
