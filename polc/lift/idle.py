"""Chains in which nothing happens, jumps to them, and returns at an end: a policy has none of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from polc.ir.matches import STATEFUL
from polc.ir.ruleset import Chain, RegularChain, Rule, Ruleset
from polc.ir.verdicts import Jump, Return, chains_of


@dataclass(frozen=True, slots=True)
class Busy:
    """The ruleset without what is idle: ``chains``, by their names, and ``rules``."""

    ruleset: Ruleset
    chains: tuple[str, ...]
    rules: tuple[Rule, ...]


def busy(ruleset: Ruleset) -> Busy:
    chains: tuple[Chain, ...] = ruleset.chains
    names: list[str] = []
    left_out: list[Rule] = []
    while idle := _idle(chains):
        names += (one.name for one in chains if one.name in idle)
        left_out += (rule for chain in chains for rule in chain.rules if chain.name in idle or _leads_to(rule, idle))
        chains = tuple(
            replace(chain, rules=tuple(rule for rule in chain.rules if not _leads_to(rule, idle)))
            for chain in chains
            if chain.name not in idle
        )
    ended = []
    for chain in chains:
        rules = chain.rules
        while rules and _is_nothing(rules[-1]) and not rules[-1].origin.comment:
            left_out.append(rules[-1])
            rules = rules[:-1]
        ended.append(replace(chain, rules=rules))
    return Busy(replace(ruleset, chains=tuple(ended)), tuple(names), tuple(left_out))


def _idle(chains: Iterable[Chain]) -> frozenset[str]:
    """Chains out of which all packets come back, where those that lead there do nothing else."""
    found = {one.name for one in chains if isinstance(one, RegularChain) and all(map(_is_nothing, one.rules))}
    for chain in chains:
        if chain.name not in found:
            found -= {name for rule in chain.rules if not _is_plain(rule) for name in chains_of(rule.verdict)}
    return frozenset(found)


def _is_nothing(rule: Rule) -> bool:
    return isinstance(rule.verdict, Return) and _does_nothing(rule)


def _is_plain(rule: Rule) -> bool:
    return isinstance(rule.verdict, Jump) and _does_nothing(rule)


def _does_nothing(rule: Rule) -> bool:
    """Whether the rule leaves nothing behind, whoever looks."""
    return not rule.statements and not any(isinstance(one, STATEFUL) for one in rule.matches)


def _leads_to(rule: Rule, names: frozenset[str]) -> bool:
    return isinstance(rule.verdict, Jump) and rule.verdict.chain in names
