"""One rule document to the rules that mean it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from polc.ir.family import BOTH
from polc.ir.matches import AddressMatch, Side, of_tcp_alone
from polc.ir.origin import Origin
from polc.ir.protocols import TCP
from polc.ir.ruleset import Rule
from polc.ir.verdicts import Reject
from polc.policy.document import (
    AnyRule,
    Condition,
    Decision,
    Destination,
    LogLine,
    MacroDocument,
    Names,
    NativeDocument,
    Persistent,
    Random,
    RuleDocument,
    Source,
    States,
    Target,
)
from polc.policy.lower import families, helpers, macros, places
from polc.policy.lower.branches import Branch, NotOnce, Outcome, Pace, Plan, combine, write
from polc.policy.lower.canonical import canonical
from polc.policy.lower.effects import effects, log_of, with_ban
from polc.policy.lower.endpoints import endpoint_branches
from polc.policy.lower.native import lower_native
from polc.policy.lower.parts import around, origin_of, service_of, states_of
from polc.policy.lower.plain import plain
from polc.policy.lower.scope import Scope, Service
from polc.policy.lower.stateful import check_keys, limit, stateful_matches
from polc.policy.lower.verdicts import check_tcp, verdict_of

NAT_DECISIONS = frozenset(
    {Decision.SNAT, Decision.DNAT, Decision.MASQUERADE, Decision.REDIRECT, Decision.NETMAP, Decision.TPROXY}
)


def lower_rule(rule: AnyRule, scope: Scope) -> tuple[Rule, ...]:
    """The rules that mean what was written, in their order; errors are recorded."""
    match rule:
        case MacroDocument() if rule.macro.text in scope.symbols.macros:
            return _own_macro(rule, scope)
        case MacroDocument():
            return macros.expand(rule, scope)
        case NativeDocument():
            return lower_native(rule, scope)
        case RuleDocument():
            shortcut = plain(rule, scope)
            return (shortcut,) if shortcut else _rule(rule, scope)
        case _:
            assert_never(rule)


def _own_macro(use: MacroDocument, scope: Scope) -> tuple[Rule, ...]:
    """The rules of a macro of the policy's own, each with the place and the name of the `use`."""
    name = use.id.text if use.id else use.macro.text
    found: list[Rule] = []
    for document in scope.symbols.macros[use.macro.text] or ():
        for rule in lower_rule(document, scope):
            origin = Origin(use.span, rule.origin.name or name, use.comment or rule.origin.comment)
            found.append(replace(rule, origin=origin))
    return tuple(found)


def _rule(rule: RuleDocument, scope: Scope) -> tuple[Rule, ...]:
    collector = scope.collector
    places.check_rule(rule, scope)
    constraints: list[families.Constraint] = []
    choices: list[tuple[Branch, ...] | None] = []
    for clause, side in ((rule.find(Source), Side.SADDR), (rule.find(Destination), Side.DADDR)):
        if clause:
            choices.append(endpoint_branches(clause.endpoint, side, scope))
            constraints += _address_constraints(choices[-1], clause.endpoint.addresses)
    errors = len(collector.diagnostics)
    condition = rule.find(Condition)
    if condition:
        from polc.policy.lower.where import where_branches

        choices.append(where_branches(condition, scope))
    service = service_of(rule, scope)
    states = rule.find(States)
    state_match = states_of(states, scope) if states else None

    def fresh() -> str:
        return scope.tables.fresh(scope.chain, canonical(rule, service or ()))

    outcomes = _outcomes(rule, service, scope)
    pace = _pace(rule, fresh, scope)
    stateful = stateful_matches(rule, fresh, collector)
    if service is None or None in choices:
        return ()
    check_keys(rule, service, collector)
    check_tcp(rule, service, collector)
    place = around(tuple(one.word for one in rule.service)) if rule.service else rule.span
    by_helper = helpers.groups(service, place, collector) if service else [(None, None)]
    whole = [families.of_service(terms, place) for _, terms in by_helper if terms]
    if len(collector.diagnostics) == errors:
        if whole:
            constraints.append(_union(whole))
        reject = next((one.verdict for one in outcomes if isinstance(one.verdict, Reject)), None)
        answer = rule.verdict.answer.span if rule.verdict and rule.verdict.answer else rule.span
        if families.check(constraints, reject, answer, collector):
            return ()
    branches = combine(one for one in choices if one)
    spoken = _union(whole).families if whole else BOTH
    if not any(branch.families & one.families & spoken for branch in branches for one in outcomes):
        if len(collector.diagnostics) == errors:
            collector.error("POL220", "no packet can match this rule: its parts are of different families", rule.span)
        return ()
    if condition and service and _tcp_and_not(branches, service):
        message = "no packet can match this rule: the condition asks for TCP, and the service is of other protocols"
        collector.error("POL220", message, condition.span)
        return ()
    found: list[Rule] = []
    for assigned, terms in by_helper:
        plan = Plan(
            branches,
            (*((terms,) if terms else ()), *((state_match,) if state_match else ())),
            tuple(stateful),
            tuple(one._replace(statements=(assigned, *one.statements)) if assigned else one for one in outcomes),
            pace,
            origin_of(rule),
        )
        try:
            rules, chains = write(plan, fresh)
        except NotOnce:
            assert rule.verdict is not None
            message = f"`{rule.verdict.decision.value}` cannot stand in a rule that counts or logs in several ways"
            hint = "write a rule for each way, or the log as a rule of its own"
            collector.error("POL247", message, rule.verdict.span, help=hint)
            return ()
        found += rules
        scope.tables.chains += chains
    return tuple(found)


def _tcp_and_not(branches: tuple[Branch, ...], service: Service) -> bool:
    """Whether only TCP packets meet the branches, and the service has no TCP."""
    asked = all(any(map(of_tcp_alone, branch.matches)) for branch in branches)
    return asked and not any(part.term.protocol == TCP for part in service)


def _address_constraints(branches: tuple[Branch, ...] | None, names: Names | None) -> list[families.Constraint]:
    """What the addresses of one end say of the rule's families, where there is one way to meet them."""
    if not names or not branches or len(branches) > 1:
        return []
    own = (one for one in branches[0].matches if isinstance(one, AddressMatch))
    return [families.of_addresses(one, around(names.words)) for one in own]


def _outcomes(rule: RuleDocument, service: Service | None, scope: Scope) -> tuple[Outcome, ...]:
    """What the rule does; with a log first, unless that is held to a rate of its own."""
    done = effects(rule, scope.collector)
    line = rule.find(LogLine)
    if line and not line.pace:
        done = (*done, log_of(line, scope))
    if rule.verdict and rule.verdict.decision in NAT_DECISIONS:
        from polc.policy.lower.nat import nat_outcomes

        of_nat = nat_outcomes(rule, service, scope) if service is not None else ()
        outcomes = tuple(one._replace(statements=(*done, *one.statements)) for one in of_nat)
    else:
        for clause in (rule.find(Target), rule.find(Random), rule.find(Persistent)):
            if clause:
                message = "this goes with a verdict that changes addresses, and the rule has none"
                scope.collector.error("POL248", message, clause.span)
        outcomes = (Outcome(done, verdict_of(rule.verdict, service, scope)),)
    return with_ban(rule, outcomes, scope)


def _pace(rule: RuleDocument, fresh: Callable[[], str], scope: Scope) -> Pace | None:
    line = rule.find(LogLine)
    if not line or not line.pace:
        return None
    log, bucket = log_of(line, scope), limit(line.pace, False, fresh, scope.collector)
    return Pace(bucket, log) if bucket else None


def _union(constraints: list[families.Constraint]) -> families.Constraint:
    every = frozenset(family for one in constraints for family in one.families)
    return families.Constraint(every, constraints[0].what, constraints[0].span)
