"""Classes of packets, as assertions and queries name them, to what a packet must meet on each way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from polc.diagnostics import Collector, Failure
from polc.ir.fields import TCP_FLAG_BITS
from polc.ir.matches import CtState, CtStateMatch, FlagField, FlagsMatch, PortTerm
from polc.ir.protocols import TCP
from polc.ir.ruleset import Rule
from polc.ir.services import normalise
from polc.ir.way import Way
from polc.policy.assertion import Class
from polc.policy.assertion_text import host_in
from polc.policy.document import (
    AllOf,
    AnyOf,
    Clause,
    Comparison,
    Condition,
    Decision,
    Destination,
    Having,
    Not,
    RuleDocument,
    Source,
    States,
    Test,
    Verdict,
)
from polc.policy.lower.rules import lower_rule
from polc.policy.lower.scope import Place, Scope, Settings, StateTables, Symbols
from polc.source import Span

BEGINNING = CtState.NEW
"""The packets that begin a connection."""
OUTSIDE = CtState.NEW | CtState.INVALID | CtState.UNTRACKED
"""The packets that belong to no connection that was let through."""


class Packets(NamedTuple):
    """What a class is, by the ways that its packets can take: it is met by whoever meets all matches of one of the
    rules, whose verdicts mean nothing. ``words`` is what was written, ``states`` what is added where it names none.
    """

    rules: Mapping[Way, tuple[Rule, ...]]
    words: str
    states: CtState | None = None
    span: Span | None = None


class Names(NamedTuple):
    """What the words of a class can name."""

    symbols: Symbols
    settings: Settings = Settings()


def lower_class(
    packets: Class, names: Names, *, states: CtState | None = None, ways: Iterable[Way] = tuple(Way)
) -> Packets:
    """What the class is on those of ``ways`` that its packets can take: ``to host`` is the way to the host, and what
    names an interface where packets to the end pass none, or a field that they have not, is not that way.

    ``states`` are those of the class where it names none.

    Raises:
        Failure: POL070, or as for a rule: with all that is wrong.
    """
    clauses, own_ways = _without_host(packets.clauses, ways)
    named = any(isinstance(one, States) or (isinstance(one, Condition) and _of_flows(one.test)) for one in clauses)
    added = None if named else states
    rule = RuleDocument(Verdict(Decision.DROP, None, packets.span), packets.service, clauses, packets.span)
    found: dict[Way, tuple[Rule, ...]] = {}
    wrong: dict[Way, Collector] = {}
    for way in own_ways:
        collector = Collector()
        place = Place(way.value, way.hook)
        scope = Scope(way.value, (place,), names.symbols, StateTables(), collector, names.settings)
        rules = lower_rule(rule, scope)
        if collector.has_errors:
            wrong[way] = collector
        else:
            found[way] = tuple(_with(one, added, packets) for one in rules)
    if not found:
        min(wrong.values(), key=_blame).raise_if_errors()
    return Packets(found, " ".join(packets.span.text.split()), added, packets.span)


def _blame(collector: Collector) -> tuple[int, int]:
    """Told is what is wrong on the way that the words fit best."""
    misplaced = sum(one.code in _MISPLACED for one in collector.diagnostics)
    return misplaced, len(collector.diagnostics)


_MISPLACED = ("POL221", "POL241")


def _without_host(clauses: tuple[Clause, ...], ways: Iterable[Way]) -> tuple[tuple[Clause, ...], tuple[Way, ...]]:
    """The clauses without the word ``host``, and the ways that it leaves."""
    left = tuple(ways)
    made: list[Clause] = []
    for clause in clauses:
        match clause:
            case Source(endpoint, span) | Destination(endpoint, span):
                is_host, rest = host_in(endpoint)
                own = Way.OUTPUT if isinstance(clause, Source) else Way.INPUT
                if is_host:
                    if own not in left:
                        raise Failure.of(
                            "POL070", "no packet is of this class: it cannot take this way", span,
                            help="packets to the host are decided about in `input`, packets from it in `output`",
                        )  # fmt: skip
                    left = (own,)
                if rest.zones or rest.addresses:
                    made.append(type(clause)(rest, span))
            case _:
                made.append(clause)
    return tuple(made), left


def _with(rule: Rule, states: CtState | None, packets: Class) -> Rule:
    matches = rule.matches if states is None else (*rule.matches, CtStateMatch(states))
    return Rule(matches, None, (), rule.families, rule.origin)


_OPENING = TCP_FLAG_BITS["fin"] | TCP_FLAG_BITS["syn"] | TCP_FLAG_BITS["rst"] | TCP_FLAG_BITS["ack"]
OPENS = FlagsMatch(FlagField.TCP_FLAGS, _OPENING, TCP_FLAG_BITS["syn"])
"""Segments that begin a TCP connection (RFC 9293, 3.5)."""
SEGMENTS = normalise((PortTerm(TCP, None, None),))


def _of_flows(test: Test) -> bool:
    """Whether a condition asks for something of conntrack."""
    match test:
        case Comparison(field):
            return field.text.startswith("ct ")
        case Having():
            return False
        case Not(inside):
            return _of_flows(inside)
        case AllOf(tests) | AnyOf(tests):
            return any(_of_flows(one) for one in tests)
