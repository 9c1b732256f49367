"""Points of a space by chance, near the borders at which functions change."""

from __future__ import annotations

from random import Random

from polc.ir.family import Family
from polc.ir.ruleset import Hook
from polc.symbolic.diagram import NONE
from polc.symbolic.hooks import Hooks
from polc.symbolic.space import Of, Space, Variable
from polc.symbolic.witness import Point, usual

FILTERING = (Hook.PREROUTING, Hook.INPUT, Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING)
_MARTIANS = {
    Family.IP: ((0, (1 << 24) - 1), (127 << 24, (128 << 24) - 1), (224 << 24, (1 << 32) - 1)),
    Family.IP6: ((0, 1), (0xFF << 120, (1 << 128) - 1)),
}


def usable(space: Space, variable: Variable, value: int) -> bool:
    """Whether routing lets a packet with such an address come in."""
    if variable.of not in (Of.SADDR, Of.DADDR):
        return True
    return not any(low <= value <= high for low, high in _MARTIANS[space.family])


def walk(space: Space, function: int, random: Random) -> Point | None:
    """A way down through a function, each branch as likely as any other, at the edge of an interval or within it."""
    manager, node, usually = space.manager, function, usual(space)
    if node == NONE:
        return None
    point: Point = {}
    for variable in space.variables:
        if manager.asks(node) == variable.number:
            branches = [one for one in manager.branches(node) if one[0] != NONE]
            node, values = random.choice(branches)
            for _ in range(5):
                low, high = random.choice(values.ranges)
                value = random.choice((low, high, random.randint(low, high), min(low + 1, high)))
                if usable(space, variable, value):
                    break
        else:
            whole = [(0, variable.highest)]
            value = usually(variable, _intervals(whole), point)
        point[variable.number] = value
    return point


def _intervals(ranges: list[tuple[int, int]]) -> object:
    from polc.ir.intervals import Intervals

    return Intervals.of(ranges)


def hooks_with_chains(hooks: Hooks) -> list[Hook]:
    """Those of the usual hooks at which any chain stands."""
    return [hook for hook in FILTERING if hooks.base_chains(hook)]
