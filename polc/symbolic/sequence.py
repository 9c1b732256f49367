"""One function after another: where the first lets a packet go on, with what it has changed, the second is asked."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from polc.symbolic.diagram import NONE, Manager, Node
from polc.symbolic.outcome import Changes, Derived, Step, Way


def goes_on(value: Hashable) -> bool:
    """Whether it is the end of a function that lets the packet go on changed."""
    return isinstance(value, Step) and value.end is Way.ON


def then(manager: Manager, first: Node, second: Node) -> Node:
    """``first``, and where it goes on ``second`` at the point as it is then."""
    if second == NONE:
        return first
    open_ends = [one for one in manager.values(first) if isinstance(one, Step) and one.end is Way.ON]
    if not open_ends:
        return manager.over(first, second)
    parts = [
        manager.mapped(first, lambda value: None if goes_on(value) else value),
        *(_after(manager, manager.select(first, step), step, second) for step in open_ends),
        manager.where(manager.select(first, None), second),
    ]
    return manager.first_of(parts)


def _after(manager: Manager, there: Node, step: Step, function: Node) -> Node:
    """``function`` at the points of a set as the step has changed them."""
    around = there
    for variable, _ in step.changes:
        around = manager.exists(around, variable)
    # What is asked of other points is left out first: these are few, and the rest of the rules are many.
    moved = manager.where(there, substituted(manager, manager.where(around, function), step.changes))
    told = manager.mapped(moved, lambda value: None if value is None else step.then(_step(value)))
    return manager.over(told, manager.where(there, manager.leaf(step)))


def _step(value: Hashable) -> Step:
    assert isinstance(value, Step)
    return value


def substituted(manager: Manager, function: Node, changes: Changes) -> Node:
    """The function at the point as the changes make it."""
    derived: list[tuple[int, Derived]] = []
    for variable, change in changes:
        if isinstance(change, Derived):
            derived.append((variable, change))
        else:
            function = manager.restricted(function, variable, change)
    while derived:
        # One whose source is itself still to be replaced would be replaced twice: those that come from it go first.
        at = next((i for i, (_, one) in enumerate(derived) if not _source_of_others(i, derived)), 0)
        variable, change = derived.pop(at)
        function = _moved(manager, function, variable, change)
    return function


def _source_of_others(at: int, derived: Sequence[tuple[int, Derived]]) -> bool:
    """Whether the one at this place comes from a variable that another one has still to replace."""
    source = derived[at][1].source
    return any(i != at and variable == source for i, (variable, _) in enumerate(derived))


def _moved(manager: Manager, function: Node, variable: int, change: Derived) -> Node:
    def where(low: int, high: int) -> Node:
        return manager.within(change.source, change.leading_to(low, high))

    return manager.substituted(function, variable, where)


def in_turn(manager: Manager, functions: Sequence[tuple[Node, bool]]) -> tuple[Node, bool]:
    """All in order, in a balanced tree. Of each, and of the result, whether it can go on changed."""
    level = [one for one in functions if one[0] != NONE]
    while len(level) > 1:
        paired = [both(manager, level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            paired.append(level[-1])
        level = paired
    return level[0] if level else (NONE, False)


def both(manager: Manager, first: tuple[Node, bool], second: tuple[Node, bool]) -> tuple[Node, bool]:
    """The second behind the first. Of each, and of the result, whether it can go on changed."""
    (one, changed), (other, too) = first, second
    if changed:
        return then(manager, one, other), True
    return manager.over(one, other), too
