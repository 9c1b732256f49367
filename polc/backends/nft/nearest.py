"""What only iptables can ask, as what comes nearest to it: an approximation with a name of its own."""

from __future__ import annotations

from dataclasses import replace

from polc.backends.model import Deviation, Fidelity
from polc.ir.family import FAMILIES
from polc.ir.matches import STATEFUL, Match, OpaqueMatch
from polc.ir.ruleset import Chain, Rule, Ruleset
from polc.ir.stateful import Connections, Limit


def nearest(ruleset: Ruleset) -> tuple[Ruleset, tuple[Deviation, ...]]:
    """The ruleset with such matches replaced, and the differences."""
    deviations: list[Deviation] = []

    def in_chain(chain: Chain) -> Chain:
        if not any(_replaceable(one) for rule in chain.rules for one in rule.matches):
            return chain
        return replace(chain, rules=tuple(one for rule in chain.rules for one in _rule(rule, deviations)))

    chains = tuple(map(in_chain, ruleset.chains))
    return (replace(ruleset, chains=chains) if deviations else ruleset), tuple(deviations)


def _replaceable(match: Match) -> bool:
    return isinstance(match, OpaqueMatch) and match.nft is None and match.nearest is not None


def _rule(rule: Rule, deviations: list[Deviation]) -> tuple[Rule, ...]:
    plain: list[Match] = []
    counting: list[Match] = []
    told: list[Deviation] = []
    for match in rule.matches:
        if not isinstance(match, OpaqueMatch) or match.nft is not None or match.nearest is None:
            (counting if isinstance(match, STATEFUL) else plain).append(match)
            continue
        stateless = [one for one in match.nearest.matches if not isinstance(one, STATEFUL)]
        if stateless and counting:
            # What counts before it would count less behind it.
            return (rule,)
        plain += stateless
        counting += (one for one in match.nearest.matches if isinstance(one, STATEFUL))
        told.append(Deviation(Fidelity.APPROXIMATE, match.nearest.name, rule.origin, match.nearest.message))
    deviations += told
    found = replace(rule, matches=(*plain, *counting))
    if len(rule.families) > 1 and any(isinstance(one, Limit | Connections) for one in counting):
        # State is kept for each family.
        return tuple(replace(found, families=frozenset({family})) for family in FAMILIES)
    return (found,)
