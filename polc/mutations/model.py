"""A mutation, and the rulesets that it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from polc.ir.ruleset import Chain, Rule, Ruleset


@dataclass(frozen=True, slots=True)
class Changed:
    """A chain with one fault, at its rule ``number`` from 0 (None: in its policy)."""

    chain: Chain
    number: int | None


@dataclass(frozen=True, slots=True)
class Mutation:
    """One kind of fault. ``changes`` has every chain that a chain becomes by it, each with one fault."""

    name: str
    changes: Callable[[Chain], Iterator[Changed]]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A ruleset with one fault of the kind ``mutation``: in ``chain``, at its rule ``number`` from 0, which was
    ``rule`` before (None: in the chain's policy). ``variant`` counts the mutants of one kind at one place, from 0.
    """

    mutation: str
    chain: str
    number: int | None
    rule: Rule | None
    variant: int
    ruleset: Ruleset
