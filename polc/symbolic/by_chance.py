"""Points of a space by chance, near the borders at which functions change."""

from __future__ import annotations

from random import Random

from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.symbolic.diagram import NONE, Node
from polc.symbolic.space import Of, Space, Variable
from polc.symbolic.witness import Point, usual

_TRIES = 5
_NOT_FROM_OUTSIDE = {
    Family.IP: ((0, (1 << 24) - 1), (127 << 24, (128 << 24) - 1), (224 << 24, (1 << 32) - 1)),
    Family.IP6: ((0, 1), (0xFF << 120, (1 << 128) - 1)),
}
"""Addresses with which no packet comes in, whatever rules say; taken only where chance has no others."""


def by_chance(space: Space, function: Node, random: Random) -> Point | None:
    """A way down through a function on which every branch is as likely as any other, at the edge of an interval or
    within it; what nobody asks for is as usual. None: it has no value anywhere.
    """
    if function == NONE:
        return None
    manager, node, usually = space.manager, function, usual(space)
    point: Point = {}
    for variable in space.variables:
        if manager.asks(node) == variable.number:
            node, values = random.choice([one for one in manager.branches(node) if one[0] != NONE])
            point[variable.number] = _value(space, variable, values, random)
        else:
            point[variable.number] = usually(variable, Intervals(((0, variable.highest),)), point)
    return point


def _value(space: Space, variable: Variable, values: Intervals, random: Random) -> int:
    for _ in range(_TRIES):
        low, high = random.choice(values.ranges)
        value = random.choice((low, high, random.randint(low, high), min(low + 1, high)))
        if variable.of not in (Of.SADDR, Of.DADDR):
            break
        if not any(first <= value <= last for first, last in _NOT_FROM_OUTSIDE[space.family]):
            break
    return value
