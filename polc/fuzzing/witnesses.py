"""The symbolic engine beside the simulator: packets of its regions, by chance, each sent through both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from polc.ir.ruleset import IP_HOOKS
from polc.proving.replay import NoReplay, Replay, agree, follow, follower, replay
from polc.simulate.outcome import Outcome as Simulated
from polc.symbolic.by_chance import by_chance
from polc.symbolic.diagram import Node, OverBudget
from polc.symbolic.hooks import Hooks, Loaded
from polc.symbolic.outcome import Outcome
from polc.symbolic.space import Set, Space, spaces
from polc.symbolic.ways import Course, Ways
from polc.symbolic.witness import Witness, witness_of

BUDGET = 300_000
"""Nodes of diagrams: more than any but one in a thousand of random rulesets takes."""


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
                function, at_hook = hooks.outcomes(hook), Replay(hooks, (hook,))
                send = partial(replay, hooks, hook, using=at_hook)
                yield from _asked(space, hook.value, function, hooks.valid(hook), send, packets, random)
        ways = Ways(hooks)
        for course in Course:
            function, on_way = ways.outcomes(course), follower(ways, course)
            send = partial(follow, ways, course, using=on_way)
            yield from _asked(space, course.value, function, ways.valid(course), send, packets, random)


def _asked(
    space: Space,
    place: str,
    function: Node,
    valid: Set,
    send: Callable[[Witness], Simulated],
    packets: int,
    random: Random,
) -> Iterator[Said]:
    members = space.manager.where(valid, function)
    for _ in range(packets):
        point = by_chance(space, members, random)
        if point is None:
            return
        said, witness = space.manager.at(function, point), witness_of(space, point)
        assert isinstance(said, Outcome)
        try:
            simulated = send(witness)
        except NoReplay:
            continue
        words = f"{place}: {witness}"
        if agree(said, simulated):
            yield Said(words)
        else:
            yield Said(words, f"{said.verdict}, and the simulator {simulated.fate.value} by {simulated.decision}")


__all__ = ["BUDGET", "OverBudget", "Said", "compared"]
