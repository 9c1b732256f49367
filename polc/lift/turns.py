"""Rules of NAT that take turns, as one rule with several targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from polc.ir.ruleset import Rule
from polc.ir.stateful import EveryNth
from polc.ir.verdicts import Nat, NatKind

_KINDS = (NatKind.SNAT, NatKind.DNAT)


def turns(rules: Sequence[Rule]) -> int:
    """How many rules, from the first on, are one with several targets; 1 where they are not.

    Each gets its part of what those before it left: 1 in 3, then 1 in 2, then the rest.
    """
    first = rules[0]
    every = first.matches[-1] if first.matches else None
    if not isinstance(every, EveryNth) or not _has_target(first):
        return 1
    own = rules[: every.every]
    if len(own) < every.every:
        return 1
    for left, rule in zip(range(every.every, 0, -1), own, strict=True):
        share = (EveryNth(left),) if left > 1 else ()
        if rule.matches != (*first.matches[:-1], *share) or not _has_target(rule) or not _alike(first, rule):
            return 1
    return len(own)


def _has_target(rule: Rule) -> bool:
    return isinstance(rule.verdict, Nat) and rule.verdict.kind in _KINDS and bool(rule.verdict.addresses)


def _alike(first: Rule, rule: Rule) -> bool:
    assert isinstance(first.verdict, Nat)
    assert isinstance(rule.verdict, Nat)
    same = replace(rule.verdict, addresses=first.verdict.addresses, ports=first.verdict.ports) == first.verdict
    return same and (rule.statements, rule.families, rule.origin.comment) == (
        first.statements,
        first.families,
        first.origin.comment,
    )
