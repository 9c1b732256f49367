"""What stateful matches keep, under names that two rulesets share, and how often one packet can ask for each."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace

from polc.ir.family import BOTH
from polc.ir.matches import Match, OpaqueMatch
from polc.ir.ruleset import BaseChain, Chain, Hook, Rule, Ruleset
from polc.ir.stateful import Connections, EveryNth, Hits, Limit, Quota, RandomMatch, RecentMatch
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Reject, chains_of

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

    ``place`` is which of a host's rulesets it is: two of one host share nothing. State that both rulesets of a
    comparison call the same is the same; other state is matched with the other side's by
    its parameters, and by the order in which rules speak of it. What that assumes: both firewalls have seen the same
    packets, and asked for the state about the same ones; ``Watch.STATE`` makes the second part of every outcome.
    """

    def __init__(self, ruleset: Ruleset, shared: frozenset[tuple[str, str]], place: int = 0) -> None:
        self._place = place
        self._names: dict[tuple[str, str], Hashable] = {}
        self._of_rules: dict[tuple[str, int, int], Hashable] = {}
        uses: dict[tuple[str, str], list[Match]] = {}
        turns: dict[Match, int] = {}
        for chain, number, rule in _in_turn(ruleset):
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
        return State((self._place, name), self._most[name])


def _in_turn(ruleset: Ruleset) -> Iterator[tuple[Chain, int, Rule]]:
    """Rules as packets come to them, each once: a target that takes a chain for one rule has it elsewhere in its file.
    Those to which nothing leads come last.
    """
    chains = {chain.name: chain for chain in ruleset.chains}
    bases = [chain for chain in ruleset.chains if isinstance(chain, BaseChain)]
    bases.sort(key=lambda chain: (list(Hook).index(chain.hook), chain.priority))
    seen: set[str] = set()
    for first in (*bases, *ruleset.chains):
        ahead = [(first, 0)]
        while ahead:
            chain, number = ahead.pop()
            if number == 0:
                if chain.name in seen:
                    continue
                seen.add(chain.name)
            if number < len(chain.rules):
                rule = chain.rules[number]
                yield chain, number, rule
                ahead.append((chain, number + 1))
                ahead += [(chains[name], 0) for name in reversed(chains_of(rule.verdict)) if name not in seen]


def _table(match: Tabled) -> tuple[str, str]:
    return type(match).__name__, match.table


def shared_names(rulesets: Iterable[Ruleset]) -> frozenset[tuple[str, str]]:
    """The kinds and names of state that more than one ruleset has."""
    found: dict[tuple[str, str], int] = {}
    for ruleset in rulesets:
        names = {
            _table(match)
            for chain in ruleset.chains
            for rule in chain.rules
            for match in rule.matches
            if isinstance(match, Tabled)
        }
        for name in names:
            found[name] = found.get(name, 0) + 1
    return frozenset(name for name, times in found.items() if times > 1)


_WAYS = (
    (Hook.INGRESS, Hook.PREROUTING, Hook.INPUT),
    (Hook.INGRESS, Hook.PREROUTING, Hook.FORWARD, Hook.POSTROUTING, Hook.EGRESS),
    (Hook.OUTPUT, Hook.POSTROUTING, Hook.EGRESS, Hook.PREROUTING, Hook.INPUT),
)
"""The hooks that one packet can come through; a sent one comes back over the loopback interface."""

Times = dict[Hashable, int]


class _Times:
    """How often one packet can ask for each state in a chain, on the way on which it does so most often."""

    def __init__(self, ruleset: Ruleset, name: Callable[[str, int, int, Counting], Hashable]) -> None:
        self._chains = {chain.name: chain for chain in ruleset.chains}
        self._name = name
        self._known: dict[str, tuple[Times, bool]] = {}

    def of(self, chain: str) -> tuple[Times, bool]:
        """For one chain, and whether a packet can come out of it again."""
        found = self._known.get(chain)
        if found is None:
            later: Times = {}
            rules = self._chains[chain].rules
            for number in range(len(rules) - 1, -1, -1):
                later = self._before(chain, number, rules[number], later)
            found = self._known[chain] = (later, not any(self._ends(rule) for rule in rules))
        return found

    def _before(self, chain: str, number: int, rule: Rule, later: Times) -> Times:
        asked = [
            self._name(chain, number, at, match) for at, match in enumerate(rule.matches) if isinstance(match, Counting)
        ]
        below = [self.of(name) for name in chains_of(rule.verdict)]
        if not asked and not any(times for times, _ in below):
            return later
        found = dict(later)
        for times, back in below:
            for key, most in times.items():
                found[key] = max(found.get(key, 0), most + (later.get(key, 0) if back else 0))
        for key in asked:
            found[key] = found.get(key, 0) + 1
        return found

    def _ends(self, rule: Rule) -> bool:
        """Whether every packet that comes to the rule is decided by it."""
        match rule.verdict:
            case Accept() | Drop() | Reject():
                return not rule.matches and rule.families == BOTH
            case Jump(name) | Goto(name):
                return not rule.matches and rule.families == BOTH and not self.of(name)[1]
            case _:
                return False


def _times(ruleset: Ruleset, name: Callable[[str, int, int, Counting], Hashable]) -> Times:
    times = _Times(ruleset, name)
    total: Times = {}
    for way in _WAYS:
        here: Times = {}
        for chain in ruleset.chains:
            if isinstance(chain, BaseChain) and chain.hook in way:
                for key, most in times.of(chain.name)[0].items():
                    here[key] = here.get(key, 0) + most
        for key, most in here.items():
            total[key] = max(total.get(key, 0), most)
    # A chain that nothing calls may be asked for by itself.
    for chain in ruleset.chains:
        for key, most in times.of(chain.name)[0].items():
            total[key] = max(total.get(key, 0), most)
    return total
