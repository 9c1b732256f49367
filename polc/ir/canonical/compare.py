"""What differs between two rulesets that should mean the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import SequenceMatcher

from polc.ir.canonical.rules import Inlined, Line, State, lines
from polc.ir.canonical.words import words
from polc.ir.family import FAMILIES, Family
from polc.ir.intervals import Intervals
from polc.ir.matches import SetMatch
from polc.ir.ruleset import BaseChain, Chain, DynamicSet, RegularChain, Ruleset
from polc.ir.statements import UpdateSet


def differences(wanted: Ruleset, seen: Ruleset) -> tuple[str, ...]:
    """Sentences, one for each difference in meaning. Both have gone through the passes.

    Regular chains and sets of fixed elements that one side alone has are read in the place of what names them.
    """
    sides = _inlined(wanted, seen), _inlined(seen, wanted)
    return (*_table(wanted, seen), *_held((wanted, sides[0]), (seen, sides[1])), *_chains(wanted, seen, sides))


def _inlined(one: Ruleset, other: Ruleset) -> Inlined:
    chains, names = {chain.name for chain in other.chains}, {each.name for each in other.sets}
    changed = _filled(one)
    looked_at = {
        match.set_name
        for chain in one.chains
        for rule in chain.rules
        for match in rule.matches
        if isinstance(match, SetMatch)
    }
    return Inlined(
        {each.name: each for each in one.chains if isinstance(each, RegularChain) and each.name not in chains},
        {
            each.name: each
            for each in one.sets
            if each.name in looked_at and each.name not in names | changed and each.timeout is None
        },
    )


def _table(wanted: Ruleset, seen: Ruleset) -> Iterator[str]:
    for one, other in ((wanted.table, seen.table), (wanted.family.value, seen.family.value)):
        if one != other:
            yield f"the table is `{other}`, wanted `{one}`"


def _held(wanted: tuple[Ruleset, Inlined], seen: tuple[Ruleset, Inlined]) -> Iterator[str]:
    """Sets, flowtables, and what is declared in a tool's own words."""

    def of(one: Ruleset, inlined: Inlined) -> dict[str, str]:
        filled = _filled(one)
        return {
            **{f"set `{each.name}`": words(_set(each, filled)) for each in one.sets if each.name not in inlined.sets},
            **{f"flowtable `{each.name}`": words(each) for each in one.flowtables},
            **{f"declaration `{each.words}`": "" for each in one.declarations},
        }

    there, found = of(*wanted), of(*seen)
    for name, one in there.items():
        if name not in found:
            yield f"the {name} is missing"
        elif found[name] != one:
            yield f"the {name} is `{found[name]}`, wanted `{one}`"
    for name in found:
        if name not in there:
            yield f"the {name} was not wanted"


_DEFAULT_SIZE = 65535
"""Elements of a set that rules fill, where nobody says how many."""


def _set(one: DynamicSet, filled: frozenset[str]) -> DynamicSet:
    """Elements of one number as one; those of sets that rules fill, or that go with time, are no part of it."""
    size = _DEFAULT_SIZE if one.size is None and one.name in filled else one.size
    if one.name in filled or one.timeout is not None:
        return replace(one, size=size, elements=())
    parts = [part for element in one.elements for part in element]
    ranges = [pair for part in parts if isinstance(part, Intervals) for pair in part.ranges]
    if len(one.types) == 1 and ranges:
        return replace(one, size=size, elements=((Intervals.of(ranges),),))
    return replace(one, size=size, elements=tuple(sorted(one.elements, key=repr)))


def _filled(ruleset: Ruleset) -> frozenset[str]:
    statements = (one for chain in ruleset.chains for rule in chain.rules for one in rule.statements)
    return frozenset(one.set_name for one in statements if isinstance(one, UpdateSet))


def _chains(wanted: Ruleset, seen: Ruleset, sides: tuple[Inlined, Inlined]) -> Iterator[str]:
    ours, theirs = ({chain.name: chain for chain in one.chains} for one in (wanted, seen))
    for mine, other in ((ours, theirs), (theirs, ours)):
        for name, chain in mine.items():
            if name not in other and isinstance(chain, BaseChain):
                yield f"the chain `{name}` is {'missing' if mine is ours else 'not wanted'}"
    readers = _Reader(ours, sides[0]), _Reader(theirs, sides[1])
    for name in ours:
        if name not in theirs:
            continue
        if _head(ours[name]) != _head(theirs[name]):
            yield f"the chain `{name}` is {_head(theirs[name])}, wanted {_head(ours[name])}"
        for family in FAMILIES:
            yield from _rules(name, family, *(reader.texts(name, family) for reader in readers))


def _head(chain: Chain) -> str:
    match chain:
        case BaseChain():
            devices = f" of {', '.join(chain.devices)}" if chain.devices else ""
            place = f"{chain.type.value} at {chain.hook.value}{devices}"
            return f"of type {place}, priority {chain.priority}, policy {words(chain.policy)}"
        case _:
            return "a regular chain"


class _Reader:
    """Lines as texts; state is numbered in the order in which a reader comes to it, whatever its name."""

    def __init__(self, chains: Mapping[str, Chain], inlined: Inlined) -> None:
        self.chains = chains
        self.inlined = inlined
        self.numbers: dict[State, int] = {}

    def texts(self, name: str, family: Family) -> list[str]:
        return [self.text(line) for line in lines(self.chains[name], family, self.inlined)]

    def text(self, line: Line) -> str:
        counted = [f"{words(match)}{self.number(state)}" for match, state in line.action.counted]
        done = [words(one) for one in line.action.statements]
        verdict = [] if line.action.verdict is None else [words(line.action.verdict)]
        return "; ".join((*sorted(line.asked), *counted, *done, *verdict))

    def number(self, state: State) -> str:
        return f" (state {self.numbers.setdefault(state, len(self.numbers) + 1)})" if state else ""


def _rules(chain: str, family: Family, wanted: list[str], seen: list[str]) -> Iterator[str]:
    if wanted == seen:
        return
    place = f"chain `{chain}`, {'IPv4' if family is Family.IP else 'IPv6'}"
    for kind, low, high, seen_low, seen_high in SequenceMatcher(None, wanted, seen, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        pairs = min(high - low, seen_high - seen_low)
        for offset in range(pairs):
            yield f"{place}: wanted `{wanted[low + offset]}`, seen `{seen[seen_low + offset]}`"
        for position in range(low + pairs, high):
            yield f"{place}: `{wanted[position]}` is missing"
        for position in range(seen_low + pairs, seen_high):
            yield f"{place}: seen `{seen[position]}`, which was not wanted"
