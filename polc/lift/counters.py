"""Counters of rules: where all rules of a table have one, it is the tool that counts, as iptables does."""

from __future__ import annotations

from dataclasses import replace

from polc.ir.ruleset import Rule, Ruleset
from polc.ir.statements import Counter


def is_counted(ruleset: Ruleset) -> bool:
    """Whether every rule counts its packets, so that counters say nothing."""
    rules = [rule for chain in ruleset.chains for rule in chain.rules]
    return bool(rules) and all(
        any(isinstance(one, Counter) and one.name is None for one in rule.statements) for rule in rules
    )


def uncounted(ruleset: Ruleset) -> Ruleset:
    """The ruleset without counters of rules."""
    return replace(
        ruleset, chains=tuple(replace(one, rules=tuple(map(_uncounted, one.rules))) for one in ruleset.chains)
    )


def _uncounted(rule: Rule) -> Rule:
    kept = tuple(one for one in rule.statements if not (isinstance(one, Counter) and one.name is None))
    return rule if len(kept) == len(rule.statements) else replace(rule, statements=kept)
