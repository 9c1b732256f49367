"""Families of packets that a rule speaks of, by what it asks and by what its words would say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from polc.ir.family import FAMILIES, Family
from polc.ir.matches import SetMatch
from polc.ir.ruleset import DynamicSet, Rule
from polc.ir.statements import UpdateSet
from polc.ir.verdicts import Nat, NatMap
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


def narrowed(rule: Rule, sets: Mapping[str, DynamicSet]) -> Rule | None:
    """The rule for the families of which a packet can meet it, None where there is none."""
    families = effective(rule, sets)
    return replace(rule, families=families) if families else None
