"""Rulesets whose rules leave their names in the outcomes of packets: who decides, for all packets at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from polc.ir.matches import ElementMatch, Match
from polc.ir.origin import Origin
from polc.ir.ruleset import BaseChain, Chain, Rule, Ruleset
from polc.ir.statements import Counter
from polc.ir.verdicts import Accept, Drop, Queue, Reject, Verdict, VerdictMap
from polc.symbolic.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Decider:
    """A rule by its number in its chain, from 0, or (None) the chain's policy."""

    chain: str
    number: int | None
    origin: Origin


class Tags:
    """Makes rulesets with tags, and reads them off outcomes."""

    def __init__(self) -> None:
        self._known: dict[str, Decider] = {}

    def tagged(self, ruleset: Ruleset) -> Ruleset:
        """The same ruleset, in which each rule that ends a packet's way counts it in a counter of its own name, and no
        rule does anything else that only counts.
        """
        return replace(ruleset, chains=tuple(self._chain(chain, ruleset.table) for chain in ruleset.chains))

    def decider(self, outcome: Outcome) -> Decider | None:
        """The last rule that ended the packet's way through a base chain; None: policies alone did."""
        names = [one.name for one in outcome.effects if isinstance(one, Counter) and one.name in self._known]
        return self._known[names[-1]] if names and names[-1] is not None else None

    def _chain(self, chain: Chain, table: str) -> Chain:
        rules: list[Rule] = []
        for number, rule in enumerate(chain.rules):
            kept = tuple(one for one in rule.statements if not isinstance(one, Counter))
            for matches, verdict in _ways(rule):
                tag: tuple[Counter, ...] = ()
                if isinstance(verdict, Accept | Drop | Reject | Queue):
                    tag = (Counter(self._name(table, chain.name, number, rule.origin)),)
                rules.append(replace(rule, matches=matches, statements=(*kept, *tag), verdict=verdict))
        if isinstance(chain, BaseChain):
            # The policy as a last rule: it decides too.
            name = self._name(table, chain.name, None, chain.origin)
            rules.append(Rule((), chain.policy, (Counter(name),), origin=chain.origin))
        return replace(chain, rules=tuple(rules))

    def _name(self, table: str, chain: str, number: int | None, origin: Origin) -> str:
        name = f"{table} {chain} {'policy' if number is None else number}"
        self._known[name] = Decider(chain, number, origin)
        return name


def _ways(rule: Rule) -> Iterator[tuple[tuple[Match, ...], Verdict | None]]:
    """A map of verdicts as a rule for each element; elements are disjoint."""
    verdict = rule.verdict
    if not isinstance(verdict, VerdictMap):
        yield rule.matches, verdict
        return
    for element, outcome in verdict.elements:
        yield (*rule.matches, ElementMatch(verdict.key, (element,))), outcome
