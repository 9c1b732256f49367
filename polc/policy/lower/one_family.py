"""Effects that are of one family each: a set of addresses, a neighbour's address, a TTL, a map by addresses."""

from __future__ import annotations

from collections.abc import Sequence

from polc.diagnostics.suggest import did_you_mean
from polc.ir.addresses import parse_address
from polc.ir.family import Family
from polc.ir.matches import Side
from polc.ir.statements import Duplicate, HopChange, SetHops, Statement, UpdateSet
from polc.policy.document import (
    Ban,
    Clause,
    Copying,
    FlowMarking,
    HopAction,
    HopLimitSetting,
    Marking,
    RuleDocument,
    TtlSetting,
)
from polc.policy.lower import values
from polc.policy.lower.branches import Outcome
from polc.policy.lower.parts import value_of
from polc.policy.lower.scope import Scope

_HOPS = {HopAction.SET: HopChange.SET, HopAction.INC: HopChange.INCREASE, HopAction.DEC: HopChange.DECREASE}
_OF_FAMILY: frozenset[type[Clause]] = frozenset({Ban, Copying, TtlSetting, HopLimitSetting, Marking, FlowMarking})

_Effect = tuple[Statement, frozenset[Family]]


def with_effects_of_family(rule: RuleDocument, outcomes: tuple[Outcome, ...], scope: Scope) -> tuple[Outcome, ...]:
    """The outcomes with these effects of the rule, each for the families that it has them for; errors are recorded.

    A ban comes first of all statements, the others last: by a map a rule can be broken off.
    """
    if not rule.has(_OF_FAMILY):
        return outcomes
    ban, copy = rule.find(Ban), rule.find(Copying)
    if ban:
        outcomes = _each(outcomes, _bans(ban, scope), first=True)
    hops = rule.find(TtlSetting), rule.find(HopLimitSetting)
    outcomes = _each(outcomes, _hop_changes(*hops, scope))
    if copy:
        outcomes = _each(outcomes, _copies(copy, scope))
    if rule.has(frozenset({Marking, FlowMarking})):
        from polc.policy.lower.marks import map_marks, maps_of_marks

        for field, mapped in maps_of_marks(rule):
            outcomes = _each(outcomes, map_marks(field, mapped, scope))
    return outcomes


def _each(outcomes: tuple[Outcome, ...], effects: Sequence[_Effect], *, first: bool = False) -> tuple[Outcome, ...]:
    """The outcomes once for each effect of theirs; as they are, where there is none."""
    if not effects:
        return outcomes
    return tuple(
        one._replace(
            statements=(effect, *one.statements) if first else (*one.statements, effect),
            families=one.families & families,
        )
        for effect, families in effects
        for one in outcomes
        if one.families & families
    )


def _bans(clause: Ban, scope: Scope) -> list[_Effect]:
    name, dynamic = clause.name, scope.symbols.dynamic
    if name.text not in dynamic:
        if name.text in scope.symbols.addresses and scope.symbols.addresses[name.text] is None:
            # It is defined, but wrongly, which has been said where it is.
            return []
        if name.text in scope.symbols.addresses:
            message = f"the group `{name.text}` is not filled at run time"
            hint = f"as in `{name.text}: {{dynamic: true, timeout: 1h, size: 65535}}`"
        else:
            message, hint = f"there is no dynamic group `{name.text}`", did_you_mean(name.text, dynamic)
        scope.collector.error("POL244", message, name.span, help=hint)
        return []
    timeout = value_of("POL114", clause.timeout, values.duration, scope.collector) if clause.timeout else None
    found: list[_Effect] = []
    sides = {"source": Side.SADDR, "destination": Side.DADDR}
    if len(clause.per) > 1 or (clause.per and clause.per[0].text not in sides):
        message = "what goes into a group is the `source` or the `destination`"
        scope.collector.error("POL119", message, clause.per[-1].span)
        return []
    side = sides[clause.per[0].text] if clause.per else Side.SADDR
    for group in dynamic[name.text] or ():
        found.append((UpdateSet((side,), group.name, timeout), group.families))
    return found


def _hop_changes(ttl: TtlSetting | None, limit: HopLimitSetting | None, scope: Scope) -> list[_Effect]:
    found: list[_Effect] = []
    for clause, family in ((ttl, Family.IP), (limit, Family.IP6)):
        if clause is None:
            continue
        lowest = 0 if clause.action is HopAction.SET else 1
        number = value_of("POL121", clause.value, lambda text: values.number(text, 255), scope.collector)
        if number is not None and number < lowest:
            scope.collector.error("POL121", "a change by 0 is none", clause.value.span)
        elif number is not None:
            found.append((SetHops(number, _HOPS[clause.action]), frozenset({family})))
    return found


def _copies(clause: Copying, scope: Scope) -> list[_Effect]:
    try:
        family, low, high = parse_address(clause.address.text)
    except ValueError as error:
        scope.collector.error("POL116", str(error), clause.address.span)
        return []
    if low != high:
        scope.collector.error("POL121", "a copy goes to one neighbour, and this is several", clause.address.span)
        return []
    device = value_of("POL117", clause.device, values.device, scope.collector) if clause.device else None
    return [(Duplicate(family, low, device), frozenset({family}))]
