"""Parts of a rule that are read alike whatever the rule does: its service, states and origin."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from polc.diagnostics import Collector
from polc.diagnostics.suggest import did_you_mean
from polc.ir.matches import CtState, CtStateMatch
from polc.ir.origin import Origin
from polc.policy.builtin_services import BUILTIN_SERVICES
from polc.policy.document import Comment, Decision, HelperName, RuleDocument, SourcePorts, States, Verdict, Word
from polc.policy.lower import helpers
from polc.policy.lower.scope import Part, Scope, Service
from polc.policy.lower.services import resolve_services
from polc.policy.lower.symbols import unknown_service
from polc.source import Span

_T = TypeVar("_T")


def service_of(rule: RuleDocument, scope: Scope) -> Service | None:
    """The rule's parts, empty when it names no service, None when something is wrong."""
    sport, clause = rule.find(SourcePorts), rule.find(HelperName)
    if sport and not rule.service:
        message = "`sport` goes with a protocol that has ports"
        scope.collector.error("POL223", message, sport.span, help="write the service too, as in `udp sport 53`")
        return None

    def lookup(word: Word) -> Service | None:
        services = scope.symbols.services
        try:
            return services[word.text]
        except KeyError:
            unknown_service(word, (*services, *BUILTIN_SERVICES), scope.collector)
            return None

    parts = resolve_services(rule.service, sport, lookup, scope.collector)
    lets_in = rule.verdict is None or accepts(rule.verdict)
    if parts is None:
        return None
    if clause:
        if not lets_in:
            message = "a helper is attached to flows that go on, and this rule ends them"
            scope.collector.error("POL227", message, clause.span)
            return None
        return helpers.attach(parts, clause, scope.collector)
    return parts if lets_in else tuple(Part(part.term) for part in parts)


def accepts(verdict: Verdict) -> bool:
    """Whether some packets that the rule matches are accepted by it."""
    entries = verdict.map.entries if verdict.map else ()
    return verdict.decision is Decision.ACCEPT or any(one.verdict and accepts(one.verdict) for one in entries)


def states_of(clause: States, scope: Scope) -> CtStateMatch | None:
    states = CtState(0)
    for word in clause.words:
        found = state_of(word, scope)
        if found is None:
            return None
        states |= found
    return CtStateMatch(states)


def state_of(word: Word, scope: Scope) -> CtState | None:
    """The state of that name; an unknown one is recorded."""
    found = CtState.__members__.get(word.text.upper()) if word.text.islower() else None
    if found is None:
        known = [name.lower() for name in CtState.__members__]
        hint = did_you_mean(word.text, known) or f"the states are {', '.join(known)}"
        scope.collector.error("POL206", f"unknown conntrack state `{word.text}`", word.span, help=hint)
    return found


def value_of(code: str, word: Word, read: Callable[[str], _T], collector: Collector) -> _T | None:
    """The value of a word, None for one that ``read`` refuses, which is recorded under ``code``."""
    try:
        return read(word.text)
    except ValueError as error:
        collector.error(code, str(error), word.span)
        return None


def origin_of(rule: RuleDocument) -> Origin:
    comment = rule.find(Comment)
    return Origin(rule.span, rule.id.text if rule.id else "", comment.text if comment else "")


def around(words: tuple[Word, ...]) -> Span:
    """From the first to the last word, where both are in one file and in order (an alias can be elsewhere)."""
    first, last = words[0].span, words[-1].span
    if first.source is not last.source or last.end < first.start:
        return first
    return Span(first.source, first.start, last.end)
