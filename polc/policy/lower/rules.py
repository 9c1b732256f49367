"""One rule document to the rules that mean it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from polc.diagnostics import Collector
from polc.ir.family import BOTH
from polc.ir.matches import AddressMatch, Match, Side, protocol_of
from polc.ir.origin import Origin
from polc.ir.protocols import PROTOCOL_NAMES
from polc.ir.ruleset import Rule
from polc.ir.statements import Statement
from polc.ir.verdicts import Reject
from polc.policy.document import (
    AnyRule,
    Clause,
    Condition,
    Decision,
    Destination,
    FlowMarking,
    FullyRandom,
    LogLine,
    MacroDocument,
    Map,
    Marking,
    Names,
    NativeDocument,
    NativeWords,
    Offloading,
    Persistent,
    Random,
    RuleDocument,
    Source,
    States,
    Target,
    TimeoutName,
)
from polc.policy.lower import families, helpers, macros, places
from polc.policy.lower.branches import Branch, NotOnce, Outcome, Pace, Plan, combine, write
from polc.policy.lower.canonical import canonical
from polc.policy.lower.effects import effects
from polc.policy.lower.endpoints import endpoint_branches
from polc.policy.lower.logs import log_of
from polc.policy.lower.native import lower_native, native_parts
from polc.policy.lower.one_family import with_effects_of_family
from polc.policy.lower.parts import around, origin_of, service_of, states_of
from polc.policy.lower.plain import plain
from polc.policy.lower.scope import Scope, Service
from polc.policy.lower.stateful import check_keys, limit, stateful_matches
from polc.policy.lower.verdicts import check_tcp, verdict_of

_OF_FLOWS: frozenset[type[Clause]] = frozenset({TimeoutName, Offloading})

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
    constraints = families.of_policy(scope.settings)
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
        if choices[-1]:
            constraints.append(families.of_condition([one.families for one in choices[-1]], condition.span))
    service = _service(rule, scope)
    states = rule.find(States)
    state_match = states_of(states, scope) if states else None

    def fresh() -> str:
        return scope.tables.fresh(scope.chain, canonical(rule, service or ()))

    outcomes = _outcomes(rule, service, scope)
    pace = _pace(rule, fresh, scope)
    stateful: list[Match] = [*stateful_matches(rule, fresh, collector)]
    native = rule.find(NativeWords)
    if native:
        asked, done = native_parts(native, scope)
        stateful += asked
        outcomes = tuple(one._replace(statements=(*one.statements, *done)) for one in outcomes)
    if service is None or None in choices:
        return ()
    check_keys(rule, service, collector)
    of_condition = choices[-1] if condition else ()
    check_tcp(rule, service, (_protocols(one) for one in of_condition or ()), collector)
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
    spoken = scope.settings.families & (_union(whole).families if whole else BOTH)
    if not any(branch.families & one.families & spoken for branch in branches for one in outcomes):
        if len(collector.diagnostics) == errors:
            collector.error("POL220", "no packet can match this rule: its parts are of different families", rule.span)
        return ()
    other = _of_another(branches, service) if condition and service else ""
    if condition and other:
        message = (
            f"no packet can match this rule: the condition asks for {other}, and the service is of other protocols"
        )
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


def _service(rule: RuleDocument, scope: Scope) -> Service | None:
    """The rule's service, with the protocols of the ports that its maps look up. Errors are recorded."""
    service = service_of(rule, scope)
    maps = _maps(rule)
    if not maps or service is None:
        return service
    from polc.policy.lower.keys import key_of, with_key

    for mapped in maps:
        # What is wrong with the key is said by those who read all of the map.
        key = key_of(mapped.key, scope._replace(collector=Collector()))
        service = with_key(service, key, mapped, scope) if key and service is not None else service
    return service


def _maps(rule: RuleDocument) -> list[Map]:
    holders = (rule.verdict, rule.find(Target), rule.find(Marking), rule.find(FlowMarking))
    return [one.map for one in holders if one and one.map]


def _of_another(branches: tuple[Branch, ...], service: Service) -> str:
    """The protocol that all branches ask for, in words, where the service has nothing of it, else ""."""
    own = {part.term.protocol for part in service}
    asked = [_protocols(branch) for branch in branches]
    if not all(one - own for one in asked):
        return ""
    return PROTOCOL_NAMES[min(asked[0] - own)].upper()


def _protocols(branch: Branch) -> set[int]:
    """The protocols that a branch asks for."""
    return {one for match in branch.matches if (one := protocol_of(match)) is not None}


def _address_constraints(branches: tuple[Branch, ...] | None, names: Names | None) -> list[families.Constraint]:
    """What the addresses of one end say of the rule's families, where there is one way to meet them."""
    if not names or not branches or len(branches) > 1:
        return []
    own = (one for one in branches[0].matches if isinstance(one, AddressMatch))
    return [families.of_addresses(one, around(names.words)) for one in own]


def _outcomes(rule: RuleDocument, service: Service | None, scope: Scope) -> tuple[Outcome, ...]:
    """What the rule does; with a log first, unless that is held to a rate of its own."""
    done = (*effects(rule, scope.collector), *_on_flows(rule, service, scope))
    line = rule.find(LogLine)
    if line and not line.pace:
        done = (*done, log_of(line, scope))
    if rule.verdict and rule.verdict.decision in NAT_DECISIONS:
        from polc.policy.lower.nat import nat_outcomes

        of_nat = nat_outcomes(rule, service, scope) if service is not None else ()
        outcomes = tuple(one._replace(statements=(*done, *one.statements)) for one in of_nat)
    else:
        for clause in (rule.find(Target), rule.find(Random), rule.find(FullyRandom), rule.find(Persistent)):
            if clause:
                message = "this goes with a verdict that changes addresses, and the rule has none"
                scope.collector.error("POL248", message, clause.span)
        outcomes = tuple(one._replace(statements=done) for one in _decided(rule, service, scope))
    return with_effects_of_family(rule, outcomes, scope)


def _decided(rule: RuleDocument, service: Service | None, scope: Scope) -> tuple[Outcome, ...]:
    if rule.verdict and rule.verdict.map:
        from polc.policy.lower.maps import vmap_outcomes

        return vmap_outcomes(rule, scope)
    return (Outcome((), verdict_of(rule.verdict, service, scope)),)


def _on_flows(rule: RuleDocument, service: Service | None, scope: Scope) -> tuple[Statement, ...]:
    if not rule.has(_OF_FLOWS):
        return ()
    from polc.policy.lower.flows import on_flows

    return on_flows(rule, service, scope)


def _pace(rule: RuleDocument, fresh: Callable[[], str], scope: Scope) -> Pace | None:
    line = rule.find(LogLine)
    if not line or not line.pace:
        return None
    log, bucket = log_of(line, scope), limit(line.pace, False, fresh, scope.collector)
    return Pace(bucket, log) if bucket else None


def _union(constraints: list[families.Constraint]) -> families.Constraint:
    every = frozenset(family for one in constraints for family in one.families)
    return families.Constraint(every, constraints[0].what, constraints[0].span)
