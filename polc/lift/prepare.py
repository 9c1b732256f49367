"""A ruleset as its rules can be said one by one: what no packet meets left out, families joined, rules reshaped."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from polc.ir.family import BOTH, Family
from polc.ir.origin import Origin
from polc.ir.ruleset import BaseChain, Chain, DynamicSet, RegularChain, Rule
from polc.ir.stateful import Connections, Hits, Limit, Quota
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Return, VerdictMap, leaves
from polc.lift.again import once
from polc.lift.families import arriving, narrowed
from polc.lift.joined import joined
from polc.lift.pairs import paired
from polc.lift.places import At
from polc.lift.reshape import Reshaper
from polc.lift.rows import in_rows
from polc.policy.lower.sections import SECTION_PLACES


def _states(rule: Rule) -> set[str]:
    """The names of what it counts, which another rule may count in too."""
    return {one.table for one in rule.matches if isinstance(one, Limit | Connections | Quota | Hits)}


@dataclass(slots=True)
class Prepared:
    """Rules by the names of their chains, ``regular`` of them all that rules lead to; ``lost`` are rules that no
    packet can meet, ``problems`` those that cannot be said, with the reason.
    """

    rules: dict[str, tuple[Rule, ...]] = field(default_factory=dict)
    regular: list[str] = field(default_factory=list)
    lost: list[Rule] = field(default_factory=list)
    problems: list[tuple[Origin, str]] = field(default_factory=list)


@dataclass(slots=True)
class Preparer:
    """``groups`` are the names of groups by those of their sets; ``fresh`` gives names of chains."""

    sets: Mapping[str, DynamicSet]
    groups: Mapping[str, str]
    policy: frozenset[Family]
    fresh: Callable[[str], str]
    done: Prepared = field(default_factory=Prepared)

    def prepare(self, chains: Sequence[Chain], places: Mapping[str, At]) -> Prepared:
        here = arriving(chains, self.policy)
        states = Tally(one for chain in chains for rule in chain.rules for one in _states(rule))
        for chain in chains:
            rules = tuple(self._narrowed(chain.rules, here[chain.name], states))
            rules = in_rows(once(rules))
            if self.policy == BOTH:
                rules = joined(rules, self.groups)
            rules = paired(rules, self.policy)
            reshaper = Reshaper(self.policy, self.fresh, self._widened, self._problem, self.done.lost.append)
            if isinstance(chain, RegularChain):
                self.done.regular.append(chain.name)
            elif (
                chain.name in places
                and places[chain.name].place not in SECTION_PLACES
                and not places[chain.name].device
            ):
                rules = tuple(self._without_default(chain, rules, reshaper))
            self.done.rules[chain.name] = reshaper.all_of(rules, chain.name)
            for made in reshaper.chains:
                self.done.regular.append(made.name)
                self.done.rules[made.name] = made.rules
        return self.done

    def _problem(self, rule: Rule, reason: str) -> None:
        self.done.problems.append((rule.origin, reason))

    def _widened(self, rule: Rule) -> Rule:
        wide = replace(rule, families=self.policy)
        return narrowed(wide, self.sets) or rule

    def _narrowed(self, rules: Iterable[Rule], here: frozenset[Family], states: Tally[str]) -> Iterator[Rule]:
        """The rules for the families that they can be about; nothing needs to be said of one that never comes."""
        for rule in rules:
            if here <= rule.families and all(states[one] == 1 for one in _states(rule)):
                rule = replace(rule, families=self.policy)
            found = narrowed(rule, self.sets)
            if found is None:
                self.done.lost.append(rule)
            else:
                yield found

    def _without_default(self, chain: BaseChain, rules: Iterable[Rule], reshaper: Reshaper) -> Iterator[Rule]:
        """The lists of a policy accept what no rule decides: a chain that drops it ends with a rule that does."""
        if isinstance(chain.policy, Accept):
            yield from rules
            return
        end = Rule((), Drop(), (), self.policy, chain.origin)
        for rule in rules:
            match rule.verdict:
                case Return():
                    yield replace(rule, verdict=Drop())
                case Goto(name):
                    below = self.fresh(chain.name)
                    inside = (Rule((), Jump(name), (), self.policy, rule.origin), end)
                    reshaper.chains.append(RegularChain(below, inside, rule.origin))
                    yield replace(rule, verdict=Jump(below))
                case VerdictMap() if leaves(rule.verdict):
                    message = "it leads to the policy of its chain, which the list of a policy does not have"
                    self.done.problems.append((rule.origin, message))
                case _:
                    yield rule
        yield end
