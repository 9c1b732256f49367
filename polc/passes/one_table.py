"""Several tables that a packet meets one behind the other, as the one table that does the same."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from polc.ir.families import interleaved
from polc.ir.family import BOTH, Family
from polc.ir.matches import Match, OpaqueMatch, SetMatch
from polc.ir.ruleset import BaseChain, Chain, RegularChain, Rule, Ruleset, TableFamily
from polc.ir.stateful import Connections, Limit, Quota
from polc.ir.statements import Counter, OpaqueStatement, Statement, UpdateSet
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Return, VerdictMap, leaves, renamed

_FAMILIES: Final = {
    TableFamily.IP: frozenset({Family.IP}),
    TableFamily.IP6: frozenset({Family.IP6}),
    TableFamily.INET: BOTH,
}


def one_table(rulesets: Sequence[Ruleset], name: str = "polc") -> tuple[Ruleset, ...]:
    """The rulesets with tables of IPv4 and IPv6 as one, called ``name`` where their names differ; as they are where
    that cannot be: a table has objects in its tool's own words, or a lookup leads to the end of a chain whose policy is
    another for the other family.

    Base chains of the two families at one place are one, with the rules of each in their order. Two of one family stay
    two: an end in the first is none in the second.
    """
    own = [one for one in rulesets if one.family in _FAMILIES]
    if len(own) < 2 or any(_is_closed(one) for one in own):
        return tuple(rulesets)
    try:
        made = _Joiner(name if len({one.table for one in own}) > 1 else own[0].table).join(own)
    except _ApartError:
        return tuple(rulesets)
    return (made, *(one for one in rulesets if one.family not in _FAMILIES))


class _ApartError(Exception):
    """They cannot be one table."""


def _is_closed(ruleset: Ruleset) -> bool:
    """Whether somebody else's words may name what it holds."""
    return bool(ruleset.declarations or ruleset.flowtables) or any(
        isinstance(one, OpaqueMatch | OpaqueStatement) and "@" in one.words
        for chain in ruleset.chains
        for rule in chain.rules
        for one in (*rule.matches, *rule.statements)
    )


@dataclass(slots=True)
class _Joiner:
    table: str
    bases: list[BaseChain] = field(default_factory=list)
    regular: dict[str, RegularChain] = field(default_factory=dict)
    homes: dict[str, Ruleset] = field(default_factory=dict)
    """The tables that chains came from, the last of them."""
    policies: dict[str, dict[Family, Accept | Drop]] = field(default_factory=dict)
    taken: dict[str, set[str]] = field(default_factory=dict)

    def join(self, rulesets: Sequence[Ruleset]) -> Ruleset:
        families = frozenset(family for one in rulesets for family in _FAMILIES[one.family])
        bases = [one for ruleset in rulesets for one in ruleset.chains if isinstance(one, BaseChain) and _does(one)]
        self.taken["chain"] = {one.name for one in bases}
        sets = []
        for ruleset in rulesets:
            named = _Named(
                {one.name: self._chain_name(one, ruleset) for one in ruleset.chains},
                {one.name: self._free("set", one.name, ruleset) for one in ruleset.sets},
                {one: self._free("counter", one, ruleset) for one in _counters(ruleset)},
                {one: self._free("state", one, ruleset) for one in _shared(ruleset)},
            )
            sets += [replace(one, name=named.sets[one.name]) for one in ruleset.sets]
            for chain in ruleset.chains:
                if isinstance(chain, RegularChain) or _does(chain):
                    self._add(named.chain(chain, _FAMILIES[ruleset.family]), ruleset)
        chains: list[Chain] = [*(self._whole(one, families) for one in self.bases), *self.regular.values()]
        found = tuple(_numbered(chains, self.taken.get("state", set())))
        kind = next(kind for kind, own in _FAMILIES.items() if own == families)
        return Ruleset(found, tuple(sets), self.table, rulesets[0].origin, kind)

    def _chain_name(self, chain: Chain, ruleset: Ruleset) -> str:
        """Its own, that of the chain of the other family which it becomes a part of, or a fresh one."""
        if isinstance(chain, BaseChain):
            other = self._twin(chain, ruleset)
            return other.name if other else self._free("base", chain.name, ruleset)
        home = self.homes.get(chain.name)
        if home and home.table == ruleset.table and not _FAMILIES[home.family] & _FAMILIES[ruleset.family]:
            return chain.name
        return self._free("chain", chain.name, ruleset)

    def _twin(self, chain: BaseChain, ruleset: Ruleset) -> BaseChain | None:
        for one in self.bases:
            same = _place(one) == _place(chain) and not self.policies[one.name].keys() & _FAMILIES[ruleset.family]
            if same:
                return one
        return None

    def _free(self, kind: str, name: str, ruleset: Ruleset) -> str:
        taken = self.taken.setdefault(kind, set())
        others = self.taken["chain"] if kind == "base" else set()
        found, number = name, 1
        while found in taken or (found in others and found != name):
            found = f"{ruleset.table}-{name}" if number == 1 else f"{ruleset.table}-{name}-{number}"
            number += 1
        taken.add(found)
        if kind == "base":
            others.add(found)
        return found

    def _add(self, chain: Chain, ruleset: Ruleset) -> None:
        if isinstance(chain, BaseChain):
            own = dict.fromkeys(_FAMILIES[ruleset.family], chain.policy)
            at = next((number for number, one in enumerate(self.bases) if one.name == chain.name), None)
            self.policies.setdefault(chain.name, {}).update(own)
            if at is None:
                self.bases.append(chain)
            else:
                self.bases[at] = replace(self.bases[at], rules=interleaved(self.bases[at].rules, chain.rules))
        else:
            other = self.regular.get(chain.name)
            rules = interleaved(other.rules, chain.rules) if other else chain.rules
            self.regular[chain.name] = replace(other or chain, rules=rules)
            self.homes[chain.name] = ruleset

    def _whole(self, chain: BaseChain, families: frozenset[Family]) -> BaseChain:
        """The chain with one policy for all packets: those of a family that it was not for pass."""
        policies = {family: self.policies[chain.name].get(family, Accept()) for family in families}
        if len({type(one) for one in policies.values()}) == 1:
            return replace(chain, policy=next(iter(policies.values())))
        passing = frozenset(family for family, policy in policies.items() if isinstance(policy, Accept))
        rules = [one for rule in chain.rules for one in self._ending(rule, passing, chain.name)]
        rules.append(Rule((), Accept(), (), passing))
        return replace(chain, policy=Drop(), rules=tuple(rules))

    def _ending(self, rule: Rule, passing: frozenset[Family], chain: str) -> Iterator[Rule]:
        """The rule, where packets of the families ``passing`` that leave the chain are accepted."""
        mine, others = rule.families & passing, rule.families - passing
        leads_out = isinstance(rule.verdict, VerdictMap) and leaves(rule.verdict)
        if not mine or not (leads_out or isinstance(rule.verdict, Return | Goto)):
            yield rule
            return
        if isinstance(rule.verdict, VerdictMap) or rule.statements:
            raise _ApartError
        verdict: Accept | Jump = Accept()
        if isinstance(rule.verdict, Goto):
            below = f"{chain}-{'-'.join(sorted(one.value for one in mine))}-{rule.verdict.chain}"
            inside = (Rule((), Jump(rule.verdict.chain), (), mine), Rule((), Accept(), (), mine))
            self.regular[below] = RegularChain(below, inside, rule.origin)
            verdict = Jump(below)
        yield replace(rule, families=mine, verdict=verdict)
        if others:
            yield replace(rule, families=others)


@dataclass(frozen=True, slots=True)
class _Named:
    """What a table holds by its new names; ``states`` are those of what rules share."""

    chains: Mapping[str, str]
    sets: Mapping[str, str]
    counters: Mapping[str, str]
    states: Mapping[str, str]

    def chain(self, chain: Chain, families: frozenset[Family]) -> Chain:
        rules = tuple(self._rule(rule, families) for rule in chain.rules if rule.families & families)
        return replace(chain, name=self.chains[chain.name], rules=rules)

    def _rule(self, rule: Rule, families: frozenset[Family]) -> Rule:
        return replace(
            rule,
            matches=tuple(self._match(one) for one in rule.matches),
            statements=tuple(self._statement(one) for one in rule.statements),
            verdict=renamed(rule.verdict, self.chains),
            families=rule.families & families,
        )

    def _match(self, one: Match) -> Match:
        match one:
            case SetMatch():
                return replace(one, set_name=self.sets[one.set_name])
            case Limit() | Connections() | Quota():
                return replace(one, table=self.states.get(one.table, ""))
            case _:
                return one

    def _statement(self, one: Statement) -> Statement:
        match one:
            case UpdateSet():
                return replace(one, set_name=self.sets[one.set_name])
            case Counter(str(name)):
                return replace(one, name=self.counters[name])
            case _:
                return one


def _does(chain: BaseChain) -> bool:
    """Whether the chain decides or does anything."""
    return bool(chain.rules) or isinstance(chain.policy, Drop)


def _place(chain: BaseChain) -> tuple[object, ...]:
    return chain.type, chain.hook, chain.priority, chain.devices


def _counters(ruleset: Ruleset) -> list[str]:
    names = (one.name for rule in _rules(ruleset) for one in rule.statements if isinstance(one, Counter) and one.name)
    return [*dict.fromkeys(names)]


def _shared(ruleset: Ruleset) -> list[str]:
    """The names of what several rules count together."""
    uses = Tally(
        one.table for rule in _rules(ruleset) for one in rule.matches if isinstance(one, Limit | Connections | Quota)
    )
    return [name for name, times in uses.items() if name and times > 1]


def _rules(ruleset: Ruleset) -> Iterator[Rule]:
    return (rule for chain in ruleset.chains for rule in chain.rules)


def _numbered(chains: Iterable[Chain], taken: set[str]) -> Iterator[Chain]:
    """The chains with a name for what each rule counts by itself."""
    for chain in chains:
        number = 0
        rules = []
        for rule in chain.rules:
            matches: list[Match] = []
            for match in rule.matches:
                if isinstance(match, Limit | Connections | Quota) and not match.table:
                    number += 1
                    while f"{chain.name}-{number}" in taken:
                        number += 1
                    match = replace(match, table=f"{chain.name}-{number}")
                matches.append(match)
            rules.append(replace(rule, matches=tuple(matches)))
        yield replace(chain, rules=tuple(rules))
