"""Why probes did not show a fault, as far as that is known."""

from __future__ import annotations

from polc.ir.matches import Match, OpaqueMatch, Trait, TraitMatch
from polc.ir.ruleset import Rule
from polc.ir.stateful import Amount, EveryNth, Limit, RandomMatch
from polc.ir.statements import Native, OpaqueStatement, Synproxy
from polc.mutations.model import Mutant
from polc.mutations.table import BURST
from polc.probing.aftertime import more_until_enough
from polc.probing.bulk import LARGE
from polc.probing.fit import times_of
from polc.probing.model import Plan
from polc.probing.search import MOST_TIMES

_BY_THE_KERNEL = (Native, OpaqueStatement)


def why_missed(plan: Plan, mutant: Mutant) -> str:
    """In words, for a person."""
    rules = [rule for chain in mutant.ruleset.chains for rule in chain.rules]
    rule = mutant.rule
    if rule is not None:
        place = (mutant.chain, mutant.number or 0)
        left = next((one for one in plan.unreached if one.place == place), None)
        if left is not None:
            return f"no packet meets its rule: {left.reason}"
        if any(isinstance(one, RandomMatch) for one in rule.matches):
            return "which packets meet its rule is left to chance"
        if mutant.mutation == BURST and any(_is_of_bytes(one) for one in rule.matches):
            return "one byte of its burst comes back before another packet can be sent"
        times = _times(rule)
        if times > MOST_TIMES:
            return f"it takes {times} packets in a row"
    if any(isinstance(one, _BY_THE_KERNEL) for each in rules for one in each.statements):
        return "what the kernel does by itself with packets of these rules is not judged"
    if any(isinstance(one, Synproxy) for each in rules for one in each.statements):
        return "of packets that synproxy takes only the answers to those that begin a flow are judged"
    if any(isinstance(one, RandomMatch | EveryNth | OpaqueMatch) for each in rules for one in each.matches):
        return "what other rules do is left to chance, or to the kernel"
    if any(isinstance(one, TraitMatch) and one.trait is not Trait.FRAGMENT for each in rules for one in each.matches):
        return "no network carries packets that would show it"
    return "no packet was found that shows it"


def _times(rule: Rule) -> int:
    times = max((times_of(one, LARGE) for one in rule.matches), default=1)
    return max(times, more_until_enough(rule.matches, LARGE) or 1)


def _is_of_bytes(match: Match) -> bool:
    return isinstance(match, Limit) and match.rate.amount is Amount.BYTES
