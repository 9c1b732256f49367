"""Rulesets whose rules leave their names in the outcomes of packets: who decides, for all packets at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from polc.ir.matches import ElementMatch, Match
from polc.ir.origin import Origin
from polc.ir.ruleset import BaseChain, Chain, ChainType, Hook, Rule, Ruleset
from polc.ir.statements import Counter
from polc.ir.verdicts import Accept, Drop, Queue, Reject, Verdict, VerdictMap
from polc.symbolic.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Decider:
    """A rule by its number in its chain, from 0, or (None) the chain's policy. ``filters``: it may be where packets are
    let through, and not in front of that or behind it.
    """

    chain: str
    number: int | None
    origin: Origin
    filters: bool = True


_FILTERS = (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT)


class Tags:
    """Makes rulesets with tags, and reads them off outcomes. ``everything``: rules that let nothing through have tags
    too; without them there are far fewer outcomes.
    """

    def __init__(self, *, everything: bool = False) -> None:
        self._verdicts = (Accept, Queue, Drop, Reject) if everything else (Accept, Queue)
        self._known: dict[str, Decider] = {}

    def tagged(self, ruleset: Ruleset) -> Ruleset:
        """The same ruleset, in which each rule that ends a packet's way counts it in a counter of its own name, and no
        rule does anything else that only counts.
        """
        return replace(ruleset, chains=tuple(self._chain(chain, ruleset.table) for chain in ruleset.chains))

    def decider(self, outcome: Outcome) -> Decider | None:
        """Who ended the packet's way, or, where it is accepted, let it through last; None: no base chain saw it."""
        named = (one.name for one in outcome.effects if isinstance(one, Counter))
        met = [self._known[name] for name in named if name is not None and name in self._known]
        if outcome.accepted:
            met = [one for one in met if one.filters] or met
        return met[-1] if met else None

    def _chain(self, chain: Chain, table: str) -> Chain:
        if isinstance(chain, BaseChain) and chain.type is ChainType.NAT:
            return chain
        filters = not isinstance(chain, BaseChain) or chain.hook in _FILTERS
        rules: list[Rule] = []
        for number, rule in enumerate(chain.rules):
            kept = tuple(one for one in rule.statements if not isinstance(one, Counter))
            for matches, verdict in _ways(rule):
                tag: tuple[Counter, ...] = ()
                if isinstance(verdict, self._verdicts):
                    tag = (self._tag(table, Decider(chain.name, number, rule.origin, filters)),)
                rules.append(replace(rule, matches=matches, statements=(*kept, *tag), verdict=verdict))
        if isinstance(chain, BaseChain):
            # The policy as a last rule: it decides too.
            tag = ()
            if isinstance(chain.policy, self._verdicts):
                tag = (self._tag(table, Decider(chain.name, None, chain.origin, filters)),)
            rules.append(Rule((), chain.policy, tag, origin=chain.origin))
        return replace(chain, rules=tuple(rules))

    def _tag(self, table: str, decider: Decider) -> Counter:
        name = f"{table} {decider.chain} {'policy' if decider.number is None else decider.number}"
        self._known[name] = decider
        return Counter(name)


def _ways(rule: Rule) -> Iterator[tuple[tuple[Match, ...], Verdict | None]]:
    """A map of verdicts as a rule for each element; elements are disjoint."""
    verdict = rule.verdict
    if not isinstance(verdict, VerdictMap):
        yield rule.matches, verdict
        return
    for element, outcome in verdict.elements:
        yield (*rule.matches, ElementMatch(verdict.key, (element,))), outcome
