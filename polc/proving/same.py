"""Whether the same becomes of every packet on two sides, and the packets of which something else does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from polc.ir.intervals import Intervals
from polc.ir.ruleset import Hook
from polc.ir.selectors import Element
from polc.symbolic.diagram import Path
from polc.symbolic.hooks import Hooks, Loaded
from polc.symbolic.outcome import Derived, Effect, Evaluated, Outcome, Watch
from polc.symbolic.space import Space

HOOKS = tuple(Hook)


@dataclass(frozen=True, slots=True)
class Difference:
    """``point`` is a packet at ``hook`` of which one side makes ``outcomes[0]`` and the other ``outcomes[1]``;
    ``path`` are more such packets.
    """

    space: Space
    hook: Hook
    path: Path
    point: Mapping[int, int]
    outcomes: tuple[Outcome, Outcome]


def given_contents(one: Sequence[Loaded], other: Sequence[Loaded]) -> dict[str, tuple[Element, ...]]:
    """What is in the named sets that one side alone has: they are its way to write a group of addresses. What is in
    those of both is the same on both.
    """
    found: list[dict[str, tuple[Element, ...]]] = [
        {each.name: each.elements for loaded in side for each in loaded.ruleset.sets} for side in (one, other)
    ]
    return {name: elements for side in found for name, elements in side.items() if not all(name in of for of in found)}


def differences(one: Hooks, other: Hooks, hooks: Sequence[Hook] = HOOKS) -> Iterator[Difference]:
    """The packets of which something else becomes, one for each pair of outcomes at each hook.

    Raises:
        OverBudget: there are more nodes than the space may have.
    """
    space = one.space
    manager = space.manager
    for hook in hooks:
        if not (one.base_chains(hook) or other.base_chains(hook)):
            continue
        left, right = one.outcomes(hook), other.outcomes(hook)
        different = manager.where(one.valid(hook), manager.differs(left, right))
        if different == 0:
            continue
        told: set[object] = set()
        for pair, path in manager.paths(manager.where(different, manager.pairs(left, right))):
            assert isinstance(pair, tuple)
            if pair in told or alike(space, *pair, path):
                continue
            told.add(pair)
            point = {variable: values.ranges[0][0] for variable, values in path}
            yield Difference(space, hook, path, point, pair)


def alike(space: Space, one: Outcome | None, other: Outcome | None, path: Path) -> bool:
    """Whether two outcomes of the packets of a path are the same, though they are written differently."""
    if one is None or other is None or not (one.known and other.known):
        return False
    if one.verdict != other.verdict or _nat(one) != _nat(other) or effects_of(one) != effects_of(other):
        return False
    first, second = dict(one.changes), dict(other.changes)
    there = dict(path)
    return all(
        _same_value(space, there, number, first.get(number), second.get(number)) for number in first.keys() | second
    )


def _nat(outcome: Outcome) -> tuple[object, ...]:
    """NAT without where rules ask for it: both sides are at one hook."""
    return tuple(replace(one, hook=Hook.PREROUTING) for one in outcome.nat)


def effects_of(outcome: Outcome) -> tuple[Effect, ...]:
    """Effects that count: what was asked, in any order and once each; the others as they came."""
    asked = sorted({one for one in outcome.effects if isinstance(one, Evaluated)}, key=repr)
    return (*(one for one in outcome.effects if not isinstance(one, Evaluated)), *asked)


def _same_value(
    space: Space, there: Mapping[int, Intervals], number: int, one: object, other: object
) -> bool:
    """Whether a variable has the same value after both, on all points of a path; None: it is as it was."""
    if one == other:
        return True
    highest = space.variables[number].highest
    first, second = (Derived(number, (), highest) if change is None else change for change in (one, other))

    def values(source: int) -> tuple[tuple[int, int], ...]:
        found = there.get(source)
        return found.ranges if found else ((0, space.variables[source].highest),)

    if isinstance(first, int) and isinstance(second, int):
        return False
    if isinstance(first, Derived) and isinstance(second, Derived) and first.source != second.source:
        return False
    source = first.source if isinstance(first, Derived) else second.source if isinstance(second, Derived) else 0

    def value(change: object, at: int) -> int:
        assert isinstance(change, int | Derived)
        return change.of(at) if isinstance(change, Derived) else change

    # Both are made of pieces that rise one by one or not at all: between the places where pieces meet they are lines.
    edges = {
        edge
        for change in (first, second)
        if isinstance(change, Derived)
        for _, amount in change.operations
        for edge in _edges(amount, change.highest)
    }
    return all(
        value(first, at) == value(second, at)
        for low, high in values(source)
        for at in {low, high, *(edge for edge in edges if low <= edge <= high)}
    )


def _edges(amount: int, highest: int) -> Iterator[int]:
    for edge in (amount, -amount, highest - amount, highest + amount):
        yield from (edge - 1, edge, edge + 1)


EVERYTHING = Watch.LOG | Watch.COUNTER | Watch.MARK | Watch.PACKET | Watch.SET | Watch.STATE
"""What must be the same at each hook; effects on flows count where a way ends."""
