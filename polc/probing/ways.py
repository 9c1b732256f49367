"""The ways on which packets come to rules, and the parts of a rule that are to be met one by one."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from polc.analysis.walk import Step, walk
from polc.ir.matches import ElementMatch
from polc.ir.ruleset import BaseChain, Rule, Ruleset
from polc.ir.statements import MapMark
from polc.ir.verdicts import NatMap
from polc.probing.model import Place

MOST_STEPS = 100_000
"""Rules, each as often as a chain leads there, beyond which none is looked at."""

_MOST_PARTS = 16
"""Elements of a rule's maps that are tried one by one."""


def ways_of(ruleset: Ruleset) -> dict[Place, list[tuple[BaseChain, Step]]]:
    """The rules that packets of base chains may come to, each with the ways that lead there."""
    found: dict[Place, list[tuple[BaseChain, Step]]] = {}
    for base in ruleset.chains:
        if isinstance(base, BaseChain):
            for step in islice(walk(ruleset, base), MOST_STEPS):
                found.setdefault((step.chain, step.number), []).append((base, step))
    return found


def without_way(ruleset: Ruleset, ways: Container[Place]) -> dict[Place, Rule]:
    """The rules to which no way was found: none leads there, or one before takes every packet, or there are more ways
    than are looked at.
    """
    return {
        (chain.name, number): rule
        for chain in ruleset.chains
        for number, rule in enumerate(chain.rules)
        if (chain.name, number) not in ways
    }


NO_WAY = f"no way to it was found among the first {MOST_STEPS:,} steps of each base chain"


def parts_of(ways: Sequence[tuple[BaseChain, Step]]) -> list[list[tuple[BaseChain, Step]]]:
    """The parts of a rule that are to be met one by one, each with the ways to it: the elements of its maps."""
    found: dict[Rule, list[tuple[BaseChain, Step]]] = {}
    for base, step in ways:
        for rule in islice(_of_elements(step.rule), _MOST_PARTS):
            found.setdefault(rule, []).append((base, step._replace(rule=rule)))
    parts = list(found.values())
    return parts if len(parts) <= _MOST_PARTS else [*parts[: _MOST_PARTS - 1], parts[-1]]


def _of_elements(rule: Rule) -> Iterator[Rule]:
    maps = [one for one in (rule.verdict, *rule.statements) if isinstance(one, NatMap | MapMark)]
    if not maps:
        yield rule
    for one in maps:
        for element, _ in one.elements:
            yield replace(rule, matches=(*rule.matches, ElementMatch(one.key, (element,))))
