"""The law of lifting: a lifted policy, compiled again, is the ruleset that was lifted.

Judged twice: the rules are compared in their canonical form, and where that differs, both are simulated with packets
that meet each rule and that just miss it. Evened out before are the names that lifting changes, counters of rules, and
the order of two rules that no packet meets both of.
"""

from __future__ import annotations

import sys
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from polc.analysis.walk import walk
from polc.diagnostics import Collector
from polc.explaining.samples import around
from polc.ir.canonical import differences
from polc.ir.matches import STATEFUL, CtState, CtStateMatch, Match, SetMatch
from polc.ir.reachable import reachable
from polc.ir.ruleset import BaseChain, Chain, ChainType, RegularChain, Rule, Ruleset
from polc.ir.stateful import RandomMatch
from polc.ir.statements import Counter, Log, MapMark, Statement, UpdateSet
from polc.ir.verdicts import Accept, Drop, Jump, Return, chains_of, renamed
from polc.lift import Lifted
from polc.passes import pipeline
from polc.policy.read import Inspection, inspect_source
from polc.simulate import Fate, Flavour, Host, Loaded, Outcome, Packet, Simulator, assumed_host
from polc.source import SourceFile

sys.path.append(str(Path(__file__).parents[1]))

NOON = 1_714_867_200 + 12 * 3600
"""5 May 2024, 12:00 UTC, a Sunday."""


def read_back(lifted: Lifted) -> Inspection:
    """The policy as it means; it must have no error."""
    return inspect_source(SourceFile("lifted.yaml", lifted.text), Collector())


def unlike(ruleset: Ruleset, lifted: Lifted) -> tuple[str, ...]:
    """How the policy's rules differ from the ruleset's, a sentence each."""
    back = read_back(lifted).ruleset
    wanted = _even(_without_empty(pipeline.run(ruleset)), lifted.chains, lifted.sets)
    seen = _even(_without_empty(pipeline.run(back)), {}, {})
    # A group has a set of each family, and a chain may stand at another priority between the same stages.
    there = {one.name for one in wanted.sets}
    seen = replace(seen, sets=tuple(one for one in seen.sets if one.name in there), table=wanted.table)
    priorities = {one.name: one.priority for one in seen.chains if isinstance(one, BaseChain)}
    chains = tuple(
        replace(one, priority=priorities.get(one.name, one.priority)) if isinstance(one, BaseChain) else one
        for one in wanted.chains
    )
    return differences(replace(wanted, chains=chains), seen)


def _even(ruleset: Ruleset, chains: Mapping[str, str], sets: Mapping[str, str]) -> Ruleset:
    names = {one.name: chains.get(one.name, one.name) for one in ruleset.chains}
    return replace(
        ruleset,
        chains=tuple(_chain(one, names, sets) for one in ruleset.chains if not _is_idle(one)),
        sets=tuple(replace(one, name=sets.get(one.name, one.name)) for one in ruleset.sets),
    )


def _without_empty(ruleset: Ruleset) -> Ruleset:
    """Without returns where chains end, chains that have no rules, and jumps that do nothing but to go there."""
    while True:
        ruleset = replace(ruleset, chains=tuple(_without_returns(one) for one in ruleset.chains))
        empty = {one.name for one in ruleset.chains if isinstance(one, RegularChain) and not one.rules}
        plain = {id(rule) for chain in ruleset.chains for rule in chain.rules if _only_jumps(rule)}
        rules = [rule for chain in ruleset.chains for rule in chain.rules]
        empty -= {name for rule in rules if id(rule) not in plain for name in chains_of(rule.verdict)}
        if not empty:
            return ruleset
        chains = tuple(
            replace(one, rules=tuple(rule for rule in one.rules if not set(chains_of(rule.verdict)) & empty))
            for one in ruleset.chains
            if one.name not in empty
        )
        ruleset = replace(ruleset, chains=chains)


def _without_returns(chain: Chain) -> Chain:
    rules = chain.rules
    while rules and rules[-1].verdict == Return() and not _does_more(rules[-1]):
        rules = rules[:-1]
    return replace(chain, rules=rules)


def _only_jumps(rule: Rule) -> bool:
    return isinstance(rule.verdict, Jump) and not _does_more(rule)


def _does_more(rule: Rule) -> bool:
    noted = any(not _is_own_counter(one) for one in rule.statements)
    return noted or any(isinstance(one, STATEFUL) for one in rule.matches)


def _is_idle(chain: Chain) -> bool:
    return isinstance(chain, BaseChain) and not chain.rules and chain.policy == Accept()


def _chain(chain: Chain, names: Mapping[str, str], sets: Mapping[str, str]) -> Chain:
    rules = [
        replace(
            rule,
            matches=tuple(_match(one, sets) for one in rule.matches),
            statements=_in_order(_statement(one, sets) for one in rule.statements if not _is_own_counter(one)),
            verdict=renamed(rule.verdict, names),
        )
        for rule in chain.rules
    ]
    rules = [one for rule in rules for one in _one_by_one(rule)]
    for at in range(len(rules) - 1):
        if _is_stateful_backwards(rules[at], rules[at + 1]):
            rules[at], rules[at + 1] = rules[at + 1], rules[at]
    return replace(chain, name=names[chain.name], rules=tuple(rules))


def _match(match: Match, sets: Mapping[str, str]) -> Match:
    match match:
        case SetMatch():
            return replace(match, set_name=sets.get(match.set_name, match.set_name))
        case RandomMatch(threshold, negated=True):
            return RandomMatch((1 << 31) - threshold)
        case _:
            return match


def _statement(one: Statement, sets: Mapping[str, str]) -> Statement:
    match one:
        case UpdateSet():
            return replace(one, set_name=sets.get(one.set_name, one.set_name))
        case Counter():
            return replace(one, packets=0, bytes=0)
        case _:
            return one


def _one_by_one(rule: Rule) -> Iterator[Rule]:
    """What is only noted at first, in rules one behind the other: the packet meets all of them."""
    if any(isinstance(match, STATEFUL) for match in rule.matches):
        yield rule
        return
    left = rule.statements
    while left and isinstance(left[0], Log | Counter):
        yield replace(rule, statements=left[:1], verdict=None)
        left = left[1:]
    yield replace(rule, statements=left)


def _is_own_counter(one: Statement) -> bool:
    return isinstance(one, Counter) and one.name is None


def _in_order(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Counters first, as it is no matter when a packet is counted, but for what can break a rule off."""
    found = tuple(statements)
    if any(isinstance(one, UpdateSet | MapMark) for one in found):
        return found
    return tuple(sorted(found, key=lambda one: not isinstance(one, Counter)))


def _is_stateful_backwards(one: Rule, other: Rule) -> bool:
    """``use stateful`` in the other order: no packet is in states of both."""
    drop, accept = CtStateMatch(CtState.INVALID), CtStateMatch(CtState.ESTABLISHED | CtState.RELATED)
    return (one.matches, one.verdict, one.statements) == ((drop,), Drop(), ()) and (
        (other.matches, other.verdict, other.statements) == ((accept,), Accept(), ())
    )


@dataclass
class Trial:
    """What packets showed: how many there were, their fates, and those that went different ways."""

    packets: int = 0
    fates: Tally[Fate] = field(default_factory=Tally)
    different: list[str] = field(default_factory=list)


def tried(ruleset: Ruleset, lifted: Lifted, *, most: int = 600, flavour: Flavour = Flavour.NFT) -> Trial:
    """Packets for the rules of both, ``most`` of them about, the same in both in one order."""
    idle = [one for one in _idle(ruleset) if one in lifted.chains]
    back = _led_to([lifted.chains[one] for one in idle], read_back(lifted).ruleset)
    ruleset = _led_to(idle, ruleset)
    host = assumed_host((ruleset,), [])
    before, after = (Simulator([Loaded(pipeline.run(one), flavour)], host, start=NOON) for one in (ruleset, back))
    trial = Trial()
    for packet in islice(packets(pipeline.run(ruleset), host, most), most):
        one, other = _seen(before.send(packet)), _seen(after.send(packet))
        trial.packets += 1
        trial.fates[one[0]] += 1
        # What only the kernel knows may be asked first, or last.
        if one != other and Fate.UNKNOWN not in (one[0], other[0]):
            trial.different.append(f"{packet}: {one}, lifted: {other}")
    return trial


def _idle(ruleset: Ruleset) -> list[str]:
    """The chains that nothing leads to, so that no packet would show what they do. Those that lead on to chains which
    packets of one family come to are left alone: led to, they would bring the other one there.
    """
    called = {chain.name: {one for rule in chain.rules for one in chains_of(rule.verdict)} for chain in ruleset.chains}
    bases = [one.name for one in ruleset.chains if isinstance(one, BaseChain)]
    reached = reachable(bases, called.__getitem__)
    idle = {one.name for one in ruleset.chains} - {*bases, *reached}
    return [
        one.name
        for one in ruleset.chains
        if one.name in idle and idle.issuperset(reachable([one.name], called.__getitem__))
    ]


def _led_to(names: Iterable[str], ruleset: Ruleset) -> Ruleset:
    """The ruleset with jumps to chains at the beginning of those that see every packet."""
    jumps = tuple(Rule((), Jump(name)) for name in names)
    chains = tuple(
        replace(one, rules=(*jumps, *one.rules))
        if isinstance(one, BaseChain) and one.type is not ChainType.NAT
        else one
        for one in ruleset.chains
    )
    return replace(ruleset, chains=chains)


def packets(ruleset: Ruleset, host: Host, most: int) -> Iterator[Packet]:
    """Packets that meet rules of the base chains and of those below, and near misses; in large ones of every n-th."""
    bases = [one for one in ruleset.chains if isinstance(one, BaseChain)]
    steps = [(base, step) for base in bases for step in islice(walk(ruleset, base), 4000)]
    for base, step in steps[:: max(1, len(steps) * 12 // most)]:
        yield from islice(around(base, step.whole, host), 40)


def _seen(outcome: Outcome) -> tuple[object, ...]:
    after = outcome.after
    return (
        outcome.fate,
        outcome.leaves,
        tuple(one.after for one in outcome.rewrites),
        outcome.logs,
        outcome.copies,
        outcome.state,
        after and (after.mark, after.helper, after.zone),
        outcome.answer and outcome.answer.fate,
    )


def keeps_the_law(ruleset: Ruleset, lifted: Lifted, *, flavour: Flavour = Flavour.NFT) -> None:
    """Assert that the policy is the ruleset."""
    wrong = unlike(ruleset, lifted)
    if wrong:
        trial = tried(ruleset, lifted, flavour=flavour)
        assert trial.packets, "\n".join(wrong)
        assert not trial.different, "\n".join((*wrong[:5], *trial.different[:5]))
