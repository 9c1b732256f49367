"""Parts of a rule that are read alike whatever the rule does: its service, states and origin."""

from __future__ import annotations

from polc.diagnostics.suggest import did_you_mean
from polc.ir.matches import CtState, CtStateMatch
from polc.ir.origin import Origin
from polc.policy.builtin_services import BUILTIN_SERVICES
from polc.policy.document import Comment, Decision, HelperName, RuleDocument, SourcePorts, States, Word
from polc.policy.lower import helpers
from polc.policy.lower.scope import Part, Scope, Service
from polc.policy.lower.services import resolve_services
from polc.policy.lower.symbols import unknown_service
from polc.source import Span


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
    accepts = rule.verdict is None or rule.verdict.decision is Decision.ACCEPT
    if parts is None:
        return None
    if clause:
        if not accepts:
            message = "a helper is attached to flows that go on, and this rule ends them"
            scope.collector.error("POL227", message, clause.span)
            return None
        return helpers.attach(parts, clause, scope.collector)
    return parts if accepts else tuple(Part(part.term) for part in parts)


def states_of(clause: States, scope: Scope) -> CtStateMatch | None:
    states = CtState(0)
    for word in clause.words:
        found = CtState.__members__.get(word.text.upper()) if word.text.islower() else None
        if found is None:
            known = [name.lower() for name in CtState.__members__]
            hint = did_you_mean(word.text, known) or f"the states are {', '.join(known)}"
            scope.collector.error("POL206", f"unknown conntrack state `{word.text}`", word.span, help=hint)
            return None
        states |= found
    return CtStateMatch(states)


def origin_of(rule: RuleDocument) -> Origin:
    comment = rule.find(Comment)
    return Origin(rule.span, rule.id.text if rule.id else "", comment.text if comment else "")


def around(words: tuple[Word, ...]) -> Span:
    """From the first to the last word, where both are in one file and in order (an alias can be elsewhere)."""
    first, last = words[0].span, words[-1].span
    if first.source is not last.source or last.end < first.start:
        return first
    return Span(first.source, first.start, last.end)
