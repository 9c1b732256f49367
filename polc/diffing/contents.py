"""Named sets of which it is known what is in them: listed with elements, and changed by no rule and no clock."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from polc.ir.ruleset import DynamicSet, Ruleset
from polc.ir.selectors import Element
from polc.ir.statements import UpdateSet


def known_contents(rulesets: Iterable[Ruleset], given: Collection[str]) -> dict[str, tuple[Element, ...]]:
    """The elements of sets by name. One that is empty and never given is taken for one that is filled by hand."""
    found: dict[str, tuple[Element, ...]] = {}
    twice: set[str] = set()
    for ruleset in rulesets:
        changed = _changed(ruleset)
        for one in ruleset.sets:
            if one.name in found:
                twice.add(one.name)
            if one.name in given or (_is_listed(one) and one.name not in changed):
                found[one.name] = one.elements
    # Sets of one name in two tables are not told apart.
    return {name: elements for name, elements in found.items() if name not in twice}


def _is_listed(one: DynamicSet) -> bool:
    return bool(one.elements) and one.timeout is None


def _changed(ruleset: Ruleset) -> frozenset[str]:
    return frozenset(
        statement.set_name
        for chain in ruleset.chains
        for rule in chain.rules
        for statement in rule.statements
        if isinstance(statement, UpdateSet)
    )
