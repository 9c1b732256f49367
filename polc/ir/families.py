"""Rules of two families as one list."""

from __future__ import annotations

from dataclasses import replace

from polc.ir.align import common
from polc.ir.family import BOTH
from polc.ir.ruleset import Rule
from polc.ir.statements import Counter, Statement


def interleaved(left: tuple[Rule, ...], right: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """The rules of both families in the order of each; those that say the same are one, which counts for both."""
    if not left or not right:
        return left or right
    found: list[Rule] = []
    a = b = 0
    for c, d in (*common([_alike(rule) for rule in left], [_alike(rule) for rule in right]), (len(left), len(right))):
        found += left[a:c]
        found += right[b:d]
        if c < len(left):
            found.append(_both(left[c], right[d]))
        a, b = c + 1, d + 1
    return tuple(found)


def _alike(rule: Rule) -> tuple[object, ...]:
    return rule.matches, rule.verdict, _uncounted(rule.statements), rule.origin.comment


def _uncounted(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    return tuple(Counter(one.name) if isinstance(one, Counter) else one for one in statements)


def _both(one: Rule, other: Rule) -> Rule:
    statements = tuple(
        Counter(a.name, a.packets + b.packets, a.bytes + b.bytes)
        if isinstance(a, Counter) and isinstance(b, Counter)
        else a
        for a, b in zip(one.statements, other.statements, strict=True)
    )
    return replace(one, statements=statements, families=BOTH, origin=one.origin.with_also(other.origin))
