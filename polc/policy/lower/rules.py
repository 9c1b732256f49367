"""One rule document to the rules that mean it."""

from __future__ import annotations

from typing import assert_never

from polc.ir.matches import AddressMatch, CtState, CtStateMatch, Match, Side
from polc.ir.origin import Origin
from polc.ir.protocols import TCP
from polc.ir.ruleset import Rule
from polc.ir.verdicts import Accept, Drop, Reject, RejectType
from polc.ir.verdicts import Verdict as IrVerdict
from polc.policy.builtin_services import BUILTIN_SERVICES
from polc.policy.document import (
    AnyRule,
    Comment,
    Decision,
    Destination,
    HelperName,
    MacroDocument,
    RuleDocument,
    Source,
    SourcePorts,
    States,
    Verdict,
    Word,
)
from polc.policy.lower import families, helpers, macros
from polc.policy.lower.canonical import canonical
from polc.policy.lower.effects import effects
from polc.policy.lower.endpoints import endpoint_matches
from polc.policy.lower.scope import Part, Scope, Service
from polc.policy.lower.services import resolve_services
from polc.policy.lower.stateful import stateful_matches
from polc.policy.lower.symbols import unknown_service
from polc.policy.suggest import did_you_mean
from polc.source import Span


def lower_rule(rule: AnyRule, scope: Scope) -> tuple[Rule, ...]:
    """The rules that mean what was written, in their order; errors are recorded."""
    match rule:
        case MacroDocument():
            return macros.expand(rule, scope)
        case RuleDocument():
            return _rule(rule, scope)
        case _:
            assert_never(rule)


def _rule(rule: RuleDocument, scope: Scope) -> tuple[Rule, ...]:
    collector = scope.collector
    constraints: list[families.Constraint] = []
    matches: list[Match] = []
    for clause, side in ((rule.find(Source), Side.SADDR), (rule.find(Destination), Side.DADDR)):
        if clause:
            matches += endpoint_matches(clause.endpoint, side, scope, clause.span)
            if clause.endpoint.addresses:
                place = _around(clause.endpoint.addresses.words)
                own = (one for one in matches if isinstance(one, AddressMatch) and one.side is side)
                constraints += (families.of_addresses(one, place) for one in own)
    matches.sort(key=lambda one: isinstance(one, AddressMatch))
    errors = len(collector.diagnostics)
    service = _service(rule, scope)
    states = rule.find(States)
    state_match = _states(states, scope) if states else None
    verdict = _verdict(rule.verdict, service, scope)
    done = effects(rule, collector)
    stateful = stateful_matches(
        rule, lambda: scope.tables.fresh(scope.chain, canonical(rule, service or ())), collector
    )
    if service is None:
        return ()
    place = _around(tuple(one.word for one in rule.service)) if rule.service else rule.span
    found = []
    by_helper = helpers.groups(service, place, collector) if service else [(None, None)]
    for assigned, terms in by_helper:
        found.append(
            Rule(
                matches=(*matches, *((terms,) if terms else ()), *((state_match,) if state_match else ()), *stateful),
                verdict=verdict,
                statements=(assigned, *done) if assigned else done,
                origin=_origin(rule),
            )
        )
    if len(collector.diagnostics) == errors:
        whole = [families.of_service(terms, place) for _, terms in by_helper if terms]
        if whole:
            constraints.append(_union(whole))
        answer = rule.verdict.answer.span if rule.verdict and rule.verdict.answer else rule.span
        families.check(constraints, verdict if isinstance(verdict, Reject) else None, answer, collector)
    return tuple(found)


def _union(constraints: list[families.Constraint]) -> families.Constraint:
    every = frozenset(family for one in constraints for family in one.families)
    return families.Constraint(every, constraints[0].what, constraints[0].span)


def _origin(rule: RuleDocument) -> Origin:
    comment = rule.find(Comment)
    return Origin(rule.span, rule.id.text if rule.id else "", comment.text if comment else "")


def _around(words: tuple[Word, ...]) -> Span:
    """From the first to the last word, where both are in one file and in order (an alias can be elsewhere)."""
    first, last = words[0].span, words[-1].span
    if first.source is not last.source or last.end < first.start:
        return first
    return Span(first.source, first.start, last.end)


def _service(rule: RuleDocument, scope: Scope) -> Service | None:
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


def _states(clause: States, scope: Scope) -> CtStateMatch | None:
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


def _verdict(verdict: Verdict | None, service: Service | None, scope: Scope) -> IrVerdict | None:
    if verdict is None:
        return None
    match verdict.decision:
        case Decision.ACCEPT:
            return Accept()
        case Decision.DROP:
            return Drop()
        case Decision.REJECT:
            return _reject(verdict.answer, service, scope)
        case _:
            assert_never(verdict.decision)


def _reject(answer: Word | None, service: Service | None, scope: Scope) -> Reject:
    if answer is None:
        return Reject()
    known = {one.value: one for one in RejectType}
    if answer.text not in known:
        hint = did_you_mean(answer.text, known) or f"the answers are {', '.join(known)}"
        scope.collector.error("POL207", f"unknown answer `{answer.text}`", answer.span, help=hint)
        return Reject()
    kind = known[answer.text]
    if kind is RejectType.TCP_RESET and service is not None and not _only_tcp(service):
        message = "`tcp-reset` answers TCP alone, and the rule also speaks of other packets"
        scope.collector.error(
            "POL224", message, answer.span, help="name a TCP service, such as `tcp/25`, or all of `tcp`"
        )
    return Reject(kind)


def _only_tcp(service: Service) -> bool:
    return bool(service) and all(part.term.protocol == TCP for part in service)
