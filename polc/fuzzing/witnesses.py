"""The symbolic engine beside the simulator: packets of its regions, by chance, each sent through both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.ruleset import IP_HOOKS, Hook
from polc.proving.replay import NoReplay, Replay, agree, follow, follower, replay
from polc.symbolic.diagram import NONE, Node, OverBudget
from polc.symbolic.hooks import Hooks, Loaded
from polc.symbolic.outcome import Outcome
from polc.symbolic.space import Of, Space, Variable, spaces
from polc.symbolic.ways import Course, Ways
from polc.symbolic.witness import Point, usual, witness_of

BUDGET = 300_000
"""Nodes of diagrams: more than any but one in a thousand of random rulesets takes."""

_TRIES = 5
_NOT_FROM_OUTSIDE = {
    Family.IP: ((0, (1 << 24) - 1), (127 << 24, (128 << 24) - 1), (224 << 24, (1 << 32) - 1)),
    Family.IP6: ((0, 1), (0xFF << 120, (1 << 128) - 1)),
}
"""Addresses with which no packet comes in, whatever rules say."""


@dataclass(frozen=True, slots=True)
class Said:
    """A packet of which both were asked; ``wrong`` is what they do not agree on, empty where they do."""

    packet: str
    wrong: str = ""


def compared(loaded: Sequence[Loaded], packets: int, random: Random) -> Iterator[Said]:
    """About so many packets at each hook, and on each way, of each family.

    Raises:
        OverBudget: the functions are too large.
    """
    for space in spaces([one.ruleset for one in loaded], budget=BUDGET):
        hooks = Hooks(space, loaded)
        for hook in IP_HOOKS:
            if hooks.base_chains(hook):
                yield from _at_hook(space, hooks, hook, packets, random)
        ways = Ways(hooks)
        for course in Course:
            yield from _on_way(space, ways, course, packets, random)


def _at_hook(space: Space, hooks: Hooks, hook: Hook, packets: int, random: Random) -> Iterator[Said]:
    function = hooks.outcomes(hook)
    valid = space.manager.where(hooks.valid(hook), function)
    sender = Replay(hooks, (hook,))
    for point in _points(space, valid, packets, random):
        said, witness = space.manager.at(function, point), witness_of(space, point)
        assert isinstance(said, Outcome)
        try:
            simulated = replay(hooks, hook, witness, sender)
        except NoReplay:
            continue
        words = f"{hook.value}: {witness}"
        if not agree(said, simulated):
            yield Said(words, f"{said.verdict}, and the simulator {simulated.fate.value} by {simulated.decision}")
            continue
        yield Said(words)


def _on_way(space: Space, ways: Ways, course: Course, packets: int, random: Random) -> Iterator[Said]:
    function = ways.outcomes(course)
    valid = space.manager.where(ways.valid(course), function)
    sender = follower(ways, course)
    for point in _points(space, valid, packets, random):
        said, witness = space.manager.at(function, point), witness_of(space, point)
        assert isinstance(said, Outcome)
        try:
            simulated = follow(ways, course, witness, sender)
        except NoReplay:
            continue
        agrees = agree(said, simulated)
        wrong = f"{said.verdict}, and the simulator {simulated.fate.value} by {simulated.decision}"
        yield Said(f"{course.value}: {witness}", "" if agrees else wrong)


def _points(space: Space, members: Node, count: int, random: Random) -> Iterator[Point]:
    """Each by a way down through a function on which every branch is as likely as any other, at the edge of an interval
    or within it.
    """
    if members == NONE:
        return
    manager, usually = space.manager, usual(space)
    for _ in range(count):
        point: Point = {}
        node = members
        for variable in space.variables:
            if manager.asks(node) == variable.number:
                branches = [one for one in manager.branches(node) if one[0] != NONE]
                node, values = random.choice(branches)
                point[variable.number] = _value(space, variable, values, random)
            else:
                point[variable.number] = usually(variable, Intervals.of([(0, variable.highest)]), point)
        yield point


def _value(space: Space, variable: Variable, values: Intervals, random: Random) -> int:
    for _ in range(_TRIES):
        low, high = random.choice(values.ranges)
        value = random.choice((low, high, random.randint(low, high), min(low + 1, high)))
        if variable.of not in (Of.SADDR, Of.DADDR):
            break
        if not any(first <= value <= last for first, last in _NOT_FROM_OUTSIDE[space.family]):
            break
    return value


__all__ = ["BUDGET", "OverBudget", "Said", "compared"]
