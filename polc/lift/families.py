"""Families of packets that a rule speaks of, by what it asks and by what its words would say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from polc.ir.family import FAMILIES, Family
from polc.ir.matches import SetMatch
from polc.ir.ruleset import BaseChain, Chain, DynamicSet, Rule
from polc.ir.statements import UpdateSet
from polc.ir.verdicts import Nat, NatMap, chains_of
from polc.passes.split_families import split_rule


def effective(rule: Rule, sets: Mapping[str, DynamicSet]) -> frozenset[Family]:
    """The families of which a packet can meet the rule."""
    return frozenset(family for one in split_rule(rule, dict(sets)) for family in one.families)


def spoken(rule: Rule, policy: frozenset[Family]) -> frozenset[Family]:
    """The families that the rule's words allow in a policy: groups that are filled have both."""
    matches = tuple(one for one in rule.matches if not isinstance(one, SetMatch))
    statements = tuple(one for one in rule.statements if not isinstance(one, UpdateSet))
    verdict = rule.verdict if isinstance(rule.verdict, Nat | NatMap) else None
    found = effective(Rule(matches, verdict, statements, policy), {})
    # A map of addresses is of the family of its elements.
    return frozenset(family for family in FAMILIES if family in found)


def arriving(chains: Sequence[Chain], policy: frozenset[Family]) -> dict[str, frozenset[Family]]:
    """The families whose packets come to each chain; all, to one that nothing leads to."""
    found: dict[str, frozenset[Family]] = {one.name: policy for one in chains if isinstance(one, BaseChain)}
    by_name = {one.name: one for one in chains}
    ahead = [*found]
    while ahead:
        chain = by_name[ahead.pop()]
        for rule in chain.rules:
            families = rule.families & found[chain.name]
            for name in chains_of(rule.verdict):
                before = found.get(name, frozenset())
                if not families <= before:
                    found[name] = before | families
                    ahead.append(name)
    return {name: found.get(name, policy) for name in by_name}


def narrowed(rule: Rule, sets: Mapping[str, DynamicSet]) -> Rule | None:
    """The rule for the families of which a packet can meet it, None where there is none."""
    families = effective(rule, sets)
    return replace(rule, families=families) if families else None
