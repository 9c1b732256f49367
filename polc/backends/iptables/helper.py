"""Helpers: what nft attaches in the rule itself, iptables attaches in table raw, before conntrack.

The raw rule carries the stateless matches that a packet has there. It comes before every other table, so
it can attach to more flows than the rule would: those that a match which cannot be carried would turn
away, and those that an earlier rule, or the chain for the other way out of PREROUTING, lets through. A
helper is seen only in the state ``related`` of later flows, so where no rule reads that, nothing differs.

A flow that itself begins as related to another, on the port of a helper, is taken for one that begins as
new: table raw comes before conntrack and cannot tell them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from polc.backends.iptables.extensions.words import Difference, Refused
from polc.ir.addresses import AddressSet
from polc.ir.family import FAMILIES
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    CtState,
    CtStateMatch,
    Direction,
    FieldMatch,
    InterfaceMatch,
    InterfacePattern,
    Match,
    PortTerm,
    ServiceMatch,
    SetMatch,
)
from polc.ir.ruleset import BaseChain, Chain, Hook, RegularChain, Rule, Ruleset
from polc.ir.stateful import Hits, Limit
from polc.ir.statements import AssignHelper
from polc.ir.verdicts import Accept, Drop, Nat, NatKind, Reject

_RAW_HOOKS = {
    Hook.PREROUTING: "PREROUTING",
    Hook.INPUT: "PREROUTING",
    Hook.FORWARD: "PREROUTING",
    Hook.OUTPUT: "OUTPUT",
}
_BEGINS = CtState.NEW | CtState.RELATED
_LOOPBACK = (InterfacePattern("lo"),)


@dataclass(frozen=True, slots=True)
class RawRules:
    """Rules for ``chain`` of table raw."""

    chain: str
    rules: tuple[Rule, ...]
    differences: tuple[Difference, ...]


def raw_rules(rule: Rule, position: int, chain: Chain, ruleset: Ruleset) -> RawRules | None:
    """What attaches the helpers of ``rule``, which stands at ``position`` of ``chain``; None where it has none.

    Raises:
        Refused: table raw cannot say where the helper is to be attached.
    """
    helpers = [one for one in rule.statements if isinstance(one, AssignHelper)]
    if not helpers:
        return None
    if isinstance(chain, RegularChain) or chain.hook not in _RAW_HOOKS:
        raise Refused(
            "helper-place",
            f"iptables attaches helpers before conntrack, where a packet has not reached chain `{chain.name}`",
            "attach the helper in input, forward or output",
        )
    if not _may_begin_flow(rule):
        # The kernel attaches helpers to the first packet of a flow alone: this rule never does.
        return RawRules(_RAW_HOOKS[chain.hook], (), ())
    kept = tuple(match for match in rule.matches if _carried(match, chain.hook))
    rules = tuple(found for one in helpers if (found := _raw(rule, kept, one)) is not None)
    differences = (*_uncarried(rule, chain.hook), *_before_nat(rule, chain, ruleset))
    return RawRules(
        _RAW_HOOKS[chain.hook], rules, (*differences, *_wider(rule, chain.rules[:position], chain, ruleset))
    )


def without_helpers(rule: Rule) -> Rule | None:
    """What of the rule stays where it is, or None when it did nothing else."""
    rest = tuple(one for one in rule.statements if not isinstance(one, AssignHelper))
    if len(rest) == len(rule.statements):
        return rule
    counts = any(isinstance(match, Limit | Hits) for match in rule.matches)
    return replace(rule, statements=rest) if rest or rule.verdict is not None or counts else None


def _raw(rule: Rule, kept: tuple[Match, ...], helper: AssignHelper) -> Rule | None:
    """Helpers are of one protocol (nft_ct_helper_obj_eval compares it), and xt_CT wants it named."""
    own = PortTerm(helper.protocol)
    matches: list[Match] = []
    named = False
    for match in kept:
        if isinstance(match, ServiceMatch):
            terms = tuple(term for term in match.terms if term.protocol == helper.protocol)
            if not terms:
                return None
            match = ServiceMatch(terms)
            named = True
        matches.append(match)
    if not named:
        matches.append(ServiceMatch((own,)))
    return replace(rule, matches=tuple(matches), statements=(helper,), verdict=None)


def _may_begin_flow(rule: Rule, states: CtState = _BEGINS) -> bool:
    return all(match.states & states for match in rule.matches if isinstance(match, CtStateMatch))


def _carried(match: Match, hook: Hook) -> bool:
    match match:
        case AddressMatch() | ServiceMatch():
            return True
        case InterfaceMatch(direction):
            return direction is Direction.IN or hook is Hook.OUTPUT
        case FieldMatch(field) if field in (Field.TTL, Field.HOPLIMIT):
            return hook is not Hook.FORWARD  # ip_forward() has taken one off by then
        case _:
            return False


def _uncarried(rule: Rule, hook: Hook) -> tuple[Difference, ...]:
    lost = []
    for match in rule.matches:
        match match:
            case CtStateMatch(states) if CtState.NEW in states:
                continue
            case _:
                pass
        if not _carried(match, hook):
            lost.append(_NAMES.get(type(match), "other matches"))
    if not lost:
        return ()
    return (_difference(f"that do not meet the rule's {' and '.join(dict.fromkeys(lost))}"),)


_NAMES: dict[type[Match], str] = {
    InterfaceMatch: "output interface",
    FieldMatch: "TTL or hop limit",
    CtStateMatch: "conntrack state",
    SetMatch: "set",
    Limit: "limit",
    Hits: "hit count",
}


def _difference(flows: str) -> Difference:
    return Difference(
        "helper-wider",
        f"the helper is attached in table raw, so also to flows {flows}; what they negotiate counts as related",
        "name the flows that need the helper by interface, addresses and service",
    )


def _before_nat(rule: Rule, chain: BaseChain, ruleset: Ruleset) -> tuple[Difference, ...]:
    rewrites = any(
        isinstance(one.verdict, Nat)
        and one.verdict.kind in (NatKind.DNAT, NatKind.REDIRECT, NatKind.NETMAP_DESTINATION)
        for other in ruleset.chains
        for one in other.rules
    )
    if not rewrites or chain.hook is Hook.PREROUTING:
        return ()
    message = "the helper is attached before destination NAT, by the address and port that the sender wrote"
    return (Difference("helper-before-nat", message, "write the helper rule for those"),)


def _wider(rule: Rule, earlier: Sequence[Rule], chain: BaseChain, ruleset: Ruleset) -> tuple[Difference, ...]:
    bases = [one for one in ruleset.chains if isinstance(one, BaseChain)]
    regular = [one for one in ruleset.chains if isinstance(one, RegularChain)]
    found = []
    if _reads_state((chain, *regular)) and (by := _lets_through(earlier, rule)):
        found.append(_difference(f"that {_named(by)} lets through before this rule"))
    for other in bases:
        if other.hook is chain.hook or other.hook not in (Hook.INPUT, Hook.FORWARD) or chain.hook is Hook.OUTPUT:
            continue
        if not _reads_state((other, *regular)):
            continue
        passed = _lets_through(other.rules, rule)
        if passed is not None or isinstance(other.policy, Accept):
            found.append(_difference(f"that chain `{other.name}` lets through"))
    return tuple(found)


def _named(rule: Rule) -> str:
    return f"`{label}`" if (label := rule.origin.label(60)) else "a rule"


def _reads_state(chains: Iterable[Chain]) -> bool:
    return any(isinstance(match, CtStateMatch) for chain in chains for rule in chain.rules for match in rule.matches)


def _lets_through(rules: Iterable[Rule], like: Rule) -> Rule | None:
    """The first of ``rules`` that may end the way of a packet which ``like`` matches, and not by dropping it."""
    for rule in rules:
        ends = rule.verdict is not None and not isinstance(rule.verdict, Drop | Reject)
        loopback = any(
            isinstance(match, InterfaceMatch) and match.patterns == _LOOPBACK and not match.negated
            for match in rule.matches
        )
        # What comes over loopback is this host's own, and so is what it negotiates.
        if ends and not loopback and _may_begin_flow(rule, CtState.NEW) and not disjoint(rule, like):
            return rule
    return None


def disjoint(one: Rule, other: Rule) -> bool:
    """Whether certainly no packet meets both; False when unsure."""
    if not one.families & other.families:
        return True
    return any(_apart(a, b) for a in one.matches for b in other.matches)


def _apart(one: Match, other: Match) -> bool:
    match one, other:
        case InterfaceMatch(direction, left, False), InterfaceMatch(same, right, False) if direction is same:
            return not any(a.covers(b) or b.covers(a) for a in left for b in right)
        case InterfaceMatch(direction, left, a), InterfaceMatch(same, right, b) if direction is same and a is not b:
            inside, outside = (right, left) if a else (left, right)
            return all(any(out.covers(one) for out in outside) for one in inside)
        case AddressMatch(side, left, a), AddressMatch(same, right, b) if side is same and not (a and b):
            return not _common(left, a, right, b)
        case ServiceMatch(), ServiceMatch():
            return not any(_meet(a, b) for a in one.terms for b in other.terms)
        case _:
            return False


def _common(left: AddressSet, left_negated: bool, right: AddressSet, right_negated: bool) -> bool:
    for family in FAMILIES:
        top = (1 << family.bits) - 1
        a, b = left.of_family(family), right.of_family(family)
        a = a.complement(0, top) if left_negated else a
        b = b.complement(0, top) if right_negated else b
        if _overlap(a, b):
            return True
    return False


def _overlap(one: Intervals, other: Intervals) -> bool:
    return any(low <= top and bottom <= high for low, high in one.ranges for bottom, top in other.ranges)


def _meet(one: object, other: object) -> bool:
    match one, other:
        case PortTerm(), PortTerm():
            sides = ((one.sport, other.sport), (one.dport, other.dport))
            return one.protocol == other.protocol and all(a is None or b is None or _overlap(a, b) for a, b in sides)
        case _:
            # Helpers are of protocols with ports: an ICMP term never meets their flows.
            return False
