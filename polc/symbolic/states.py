"""What stateful matches keep, under names that two rulesets share, and how often one packet can ask for each."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace

from polc.ir.matches import Match, OpaqueMatch
from polc.ir.ruleset import BaseChain, Rule, Ruleset
from polc.ir.stateful import Connections, EveryNth, Hits, Limit, Quota, RandomMatch, RecentMatch
from polc.ir.verdicts import chains_of

Tabled = Limit | Hits | Connections | Quota
Counting = Tabled | RecentMatch | EveryNth | RandomMatch | OpaqueMatch
"""Matches that keep something, or are asked anew each time."""

MOST_TIMES = 16
"""How often one packet can ask for one state here; behind that its way is unknown."""


@dataclass(frozen=True, slots=True)
class State:
    """What one or several matches keep. ``most`` is how often a packet can ask for it, at the very most."""

    name: Hashable
    most: int

    def __str__(self) -> str:
        return str(self.name)


class States:
    """The states of one ruleset.

    State that both rulesets of a comparison call the same is the same; other state is matched with the other side's by
    its parameters, and by the order in which rules speak of it. What that assumes: both firewalls have seen the same
    packets, and asked for the state about the same ones; ``Watch.STATE`` makes the second part of every outcome.
    """

    def __init__(self, ruleset: Ruleset, shared: frozenset[tuple[str, str]]) -> None:
        self._names: dict[tuple[str, str], Hashable] = {}
        self._of_rules: dict[tuple[str, int, int], Hashable] = {}
        uses: dict[tuple[str, str], list[Match]] = {}
        turns: dict[Match, int] = {}
        for chain in ruleset.chains:
            for number, rule in enumerate(chain.rules):
                for at, match in enumerate(rule.matches):
                    match match:
                        case Limit() | Hits() | Connections() | Quota():
                            uses.setdefault(_table(match), []).append(replace(match, table=""))
                        case EveryNth() | RandomMatch() | OpaqueMatch():
                            turn = turns.get(match, 0)
                            turns[match] = turn + 1
                            self._of_rules[chain.name, number, at] = (match, turn)
                        case _:
                            pass
        alike: dict[tuple[Match, ...], int] = {}
        for key, matches in uses.items():
            if key in shared:
                self._names[key] = key
            else:
                signature = tuple(dict.fromkeys(matches))
                turn = alike.get(signature, 0)
                alike[signature] = turn + 1
                self._names[key] = (signature, turn)
        self._most = _times(ruleset, self._name)

    def _name(self, chain: str, number: int, at: int, match: Counting) -> Hashable:
        match match:
            case Limit() | Hits() | Connections() | Quota():
                return self._names[_table(match)]
            case RecentMatch():
                return ("recent", match.name)
            case _:
                return self._of_rules[chain, number, at]

    def of(self, chain: str, number: int, at: int, match: Counting) -> State:
        """The state of the match at a place: in a chain the rule's number, in the rule the match's, both from 0."""
        name = self._name(chain, number, at, match)
        return State(name, self._most[name])


def _table(match: Tabled) -> tuple[str, str]:
    return type(match).__name__, match.table


def shared_names(rulesets: Iterable[Ruleset]) -> frozenset[tuple[str, str]]:
    """The kinds and names of state that every ruleset has."""
    found: list[set[tuple[str, str]]] = [
        {
            _table(match)
            for chain in ruleset.chains
            for rule in chain.rules
            for match in rule.matches
            if isinstance(match, Tabled)
        }
        for ruleset in rulesets
    ]
    return frozenset(set.intersection(*found)) if found else frozenset()


def _times(ruleset: Ruleset, name: object) -> Mapping[Hashable, int]:
    """How often one packet can ask for each state, when it goes through all chains of all hooks."""
    chains = {chain.name: chain for chain in ruleset.chains}
    done: dict[str, dict[Hashable, int]] = {}

    def own(chain: str, number: int, rule: Rule) -> dict[Hashable, int]:
        found: dict[Hashable, int] = {}
        for at, match in enumerate(rule.matches):
            if isinstance(match, Counting):
                key = name(chain, number, at, match)  # type: ignore[operator]
                found[key] = found.get(key, 0) + 1
        return found

    def of(chain: str) -> dict[Hashable, int]:
        if chain not in done:
            found: dict[Hashable, int] = {}
            done[chain] = found
            for number, rule in enumerate(chains[chain].rules):
                for part in (own(chain, number, rule), *(of(one) for one in chains_of(rule.verdict))):
                    for key, times in part.items():
                        found[key] = found.get(key, 0) + times
        return done[chain]

    total: dict[Hashable, int] = {}
    for chain in ruleset.chains:
        # A chain that nothing calls counts too, as it may be asked for by itself.
        part = of(chain.name)
        if isinstance(chain, BaseChain):
            for key, times in part.items():
                total[key] = total.get(key, 0) + times
    for part in done.values():
        for key, times in part.items():
            total[key] = max(total.get(key, 0), times)
    return total
