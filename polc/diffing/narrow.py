"""Two rulesets that are much alike, without the rules that cannot matter for what they treat differently.

A packet that meets none of the rules that stand on one side alone meets the same rules on both. What such a packet
cannot meet is left out of both: the answer is the same, and of a large ruleset with one changed rule little is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from polc.ir.align import common
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import AddressMatch, CtStateMatch, InterfaceMatch, Match, PortTerm, ServiceMatch, ServiceTerm, Side
from polc.ir.ruleset import BaseChain, Chain, Rule, Ruleset
from polc.ir.statements import Counter, Log, Statement
from polc.ir.verdicts import Accept, Drop, Nat, NatMap, Reject

_MOST_CHANGED = 400
"""With more changed rules than this, looking for others that meet the same packets takes longer than it saves."""

Rulesets = tuple[Ruleset, ...]


def narrowed(before: Sequence[Ruleset], after: Sequence[Ruleset]) -> tuple[Rulesets, Rulesets] | None:
    """Both sides without what cannot matter; None: they are the same.

    What is left means what the whole does for every packet that the two treat differently, and the same on both sides
    for every other one.
    """
    whole = tuple(before), tuple(after)
    if [_outline(one) for one in before] != [_outline(one) for one in after]:
        return whole
    kept = [_Kept(*pair) for pair in zip(before, after, strict=True)]
    changed = [rule for one in kept for rule in one.changed]
    if not changed:
        return None
    if len(changed) > _MOST_CHANGED or any(_rewrites(one) for side in whole for one in side):
        return whole
    asked = [_Asked(rule) for rule in changed]
    left, right = (
        tuple(_without(ruleset, one.same[at], asked) for ruleset, one in zip(side, kept, strict=True))
        for at, side in enumerate(whole)
    )
    return left, right


class _Kept:
    """Of two rulesets the rules that stand on both sides, by chain and number, and those that do not."""

    def __init__(self, before: Ruleset, after: Ruleset) -> None:
        self.changed: list[Rule] = []
        self.same: tuple[dict[str, frozenset[int]], dict[str, frozenset[int]]] = ({}, {})
        theirs = {chain.name: chain for chain in after.chains}
        for chain in before.chains:
            other = theirs.get(chain.name)
            if other is None:
                continue
            pairs = common([_bare(rule) for rule in chain.rules], [_bare(rule) for rule in other.rules])
            for side, own in enumerate((chain, other)):
                same = self.same[side][chain.name] = frozenset(pair[side] for pair in pairs)
                self.changed += [rule for at, rule in enumerate(own.rules) if at not in same]


def _bare(rule: Rule) -> Rule:
    """Without counters of its own, which count and change nothing."""
    if not rule.statements:
        return rule
    return replace(rule, statements=tuple(one for one in rule.statements if not _own(one)))


def _own(statement: Statement) -> bool:
    return isinstance(statement, Counter) and statement.name is None


def _outline(ruleset: Ruleset) -> object:
    """All but the rules, and but regular chains that the other side may lack: only changed rules lead there."""
    bases = tuple(replace(one, rules=()) for one in ruleset.chains if isinstance(one, BaseChain))
    return bases, ruleset.sets, ruleset.family, ruleset.flowtables, ruleset.declarations


def _rewrites(ruleset: Ruleset) -> bool:
    """Whether a packet may not be on its way what it was at first: then it can meet a rule that it did not fit."""
    return any(
        isinstance(rule.verdict, Nat | NatMap) or any(not isinstance(one, Counter | Log) for one in rule.statements)
        for chain in ruleset.chains
        for rule in chain.rules
    )


def _without(ruleset: Ruleset, kept: Mapping[str, frozenset[int]], asked: Sequence[_Asked]) -> Ruleset:
    def rules(chain: Chain) -> Iterator[Rule]:
        same = kept.get(chain.name, frozenset())
        for at, rule in enumerate(chain.rules):
            if at not in same or not _plain(rule) or _may_meet(_Asked(rule), asked):
                yield rule

    return replace(ruleset, chains=tuple(replace(chain, rules=tuple(rules(chain))) for chain in ruleset.chains))


def _plain(rule: Rule) -> bool:
    """Whether it keeps nothing, and leads nowhere where something is kept: names of state stay what they are."""
    return isinstance(rule.verdict, Accept | Drop | Reject | None) and all(
        isinstance(one, _STATELESS) for one in rule.matches
    )


_STATELESS = AddressMatch | InterfaceMatch | ServiceMatch | CtStateMatch


def _may_meet(rule: _Asked, others: Sequence[_Asked]) -> bool:
    return any(rule.may_meet(one) for one in others)


class _Asked:
    """What a rule asks of a packet that can be told apart quickly; the rest is taken to hold."""

    __slots__ = ("addresses", "families", "services", "states")

    def __init__(self, rule: Rule) -> None:
        self.families = rule.families
        self.addresses: list[tuple[Side, Family, Intervals]] = []
        self.services: list[tuple[ServiceTerm, ...]] = []
        self.states: CtStateMatch | None = None
        for match in rule.matches:
            self._add(match)

    def _add(self, match: Match) -> None:
        match match:
            case AddressMatch(side, addresses, False):
                self.addresses += [(side, family, addresses.of_family(family)) for family in Family]
            case ServiceMatch(terms):
                self.services.append(terms)
            case CtStateMatch():
                self.states = match
            case _:
                pass

    def may_meet(self, other: _Asked) -> bool:
        """Whether there may be a packet that meets both; False is certain."""
        if self.states is not None and other.states is not None and not self.states.states & other.states.states:
            return False
        if not all(_services_meet(ours, theirs) for ours in self.services for theirs in other.services):
            return False
        return any(self._in(family, other) for family in self.families & other.families)

    def _in(self, family: Family, other: _Asked) -> bool:
        return all(
            _meet(ours, theirs)
            for side, of, ours in self.addresses
            if of is family
            for beside, its, theirs in other.addresses
            if its is family and beside is side
        )


def _meet(first: Intervals, second: Intervals) -> bool:
    few, many = (first, second) if len(first.ranges) < len(second.ranges) else (second, first)
    return any(many.meets(low, high) for low, high in few.ranges)


def _services_meet(ours: tuple[ServiceTerm, ...], theirs: tuple[ServiceTerm, ...]) -> bool:
    return any(_terms_meet(one, other) for one in ours for other in theirs)


def _terms_meet(one: ServiceTerm, other: ServiceTerm) -> bool:
    if one.protocol != other.protocol:
        return False
    if isinstance(one, PortTerm) and isinstance(other, PortTerm):
        pairs = ((one.sport, other.sport), (one.dport, other.dport))
        return all(left is None or right is None or _meet(left, right) for left, right in pairs)
    return True
