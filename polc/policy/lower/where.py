"""``where``: conditions to branches of matches."""

from __future__ import annotations

from itertools import product
from typing import assert_never

from polc.diagnostics import Failure
from polc.diagnostics.suggest import did_you_mean
from polc.ir.matches import AddressMatch, Match, Trait, TraitMatch, protocol_of
from polc.policy.document import AllOf, AnyOf, Comparison, Condition, Having, Not, Test
from polc.policy.lower.branches import MOST_BRANCHES, Branch
from polc.policy.lower.comparisons import EVERY, compare
from polc.policy.lower.families import families_of
from polc.policy.lower.places import check_field
from polc.policy.lower.scope import Scope

_Ways = tuple[tuple[Match, ...], ...]
"""Of the ways one must hold, of a way's matches all."""


def where_branches(clause: Condition, scope: Scope) -> tuple[Branch, ...] | None:
    """The branches of a condition, None for a wrong one; what is wrong is recorded."""
    try:
        ways = _ways(clause.test, False, scope)
    except Failure as failure:
        scope.collector.diagnostics.extend(failure.diagnostics)
        return None
    if len(ways) > MOST_BRANCHES:
        message = f"this condition can hold in {len(ways)} ways, and {MOST_BRANCHES} are the most"
        scope.collector.error("POL246", message, clause.span, help="write several rules")
        return None
    of_families = [Branch(_narrowing(way), families) for way in ways if (families := families_of(way))]
    found = tuple(one for one in of_families if len(set(map(protocol_of, one.matches)) - {None}) <= 1)
    if not found:
        both = "several protocols" if of_families else "IPv4 and IPv6"
        message = f"no packet can meet this condition: it asks for {both} at once"
        scope.collector.error("POL220", message, clause.span)
        return None
    return found


def _narrowing(way: tuple[Match, ...]) -> tuple[Match, ...]:
    """The matches of a way without those that ask for the packet's family alone."""
    return tuple(one for one in way if not (isinstance(one, AddressMatch) and one.addresses in EVERY))


def _ways(test: Test, negated: bool, scope: Scope) -> _Ways:
    match test:
        case Comparison():
            return compare(test, negated, scope)
        case Having(word):
            known = {one.value: one for one in Trait}
            if word.text not in known:
                from polc.policy.where_errors import instead_of

                after = word.span.source.text[word.span.start : word.span.start + 80]
                hint = did_you_mean(word.text, known) or instead_of(after)
                hint = hint or f"words that stand alone are {', '.join(known)}"
                raise Failure.of("POL242", f"`{word.text}` is no condition", word.span, help=hint)
            check_field(known[word.text], word.span, scope)
            return ((TraitMatch(known[word.text], negated),),)
        case Not(inner):
            return _ways(inner, not negated, scope)
        case AllOf(tests):
            parts = [_ways(one, negated, scope) for one in tests]
            return _one_of(parts) if negated else _all_of(parts)
        case AnyOf(tests):
            parts = [_ways(one, negated, scope) for one in tests]
            return _all_of(parts) if negated else _one_of(parts)
        case _:
            assert_never(test)


def _one_of(parts: list[_Ways]) -> _Ways:
    return tuple(way for part in parts for way in part)


def _all_of(parts: list[_Ways]) -> _Ways:
    ways: _Ways = ((),)
    for part in parts:
        # A condition that says too much is told so by its number of ways, which need not all be made for that.
        if len(ways) <= MOST_BRANCHES:
            ways = tuple((*left, *right) for left, right in product(ways, part))
    return ways
