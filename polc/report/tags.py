"""A ruleset whose rules carry numbers for comments, so that lines of an output lead back to them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from polc.ir.origin import Origin
from polc.ir.ruleset import Rule, Ruleset
from polc.ir.statements import Native, Statement

_NAME = re.compile(r"polc-rule-(\d+)")

OPAQUE = '[{"native": null}]'
"""Stands for a rule's own words for nft's text, of which JSON knows nothing."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """``origins`` are the places of the policy's rules, by number, ``chains`` those where each stands first."""

    ruleset: Ruleset
    origins: tuple[Origin, ...]
    chains: tuple[str, ...]


def tag(ruleset: Ruleset) -> Tagged:
    """Rules of one place in the policy, such as those of a macro, have one number."""
    numbers: dict[Origin, int] = {}
    first: list[str] = []
    chains = []
    for chain in ruleset.chains:
        rules = []
        for rule in chain.rules:
            number = numbers.setdefault(rule.origin, len(numbers))
            if number == len(first):
                first.append(chain.name)
            rules.append(_tagged(rule, number))
        chains.append(replace(chain, rules=tuple(rules)))
    return Tagged(replace(ruleset, chains=tuple(chains)), tuple(numbers), tuple(first))


def _tagged(rule: Rule, number: int) -> Rule:
    statements = tuple(_in_json(one) for one in rule.statements)
    return replace(rule, statements=statements, origin=Origin(name=f"polc-rule-{number}"))


def _in_json(one: Statement) -> Statement:
    return replace(one, nft_json=OPAQUE) if isinstance(one, Native) and one.nft and one.nft_json is None else one


def rule_of(comment: str) -> int | None:
    """The number in a line's comment."""
    found = _NAME.fullmatch(comment)
    return int(found[1]) if found else None
