"""The ways of packets that are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from polc.ir.ruleset import DEVICE_HOOKS, BaseChain, Hook, Ruleset
from polc.symbolic.diagram import Node
from polc.symbolic.hooks import Hooks
from polc.symbolic.space import Set
from polc.symbolic.ways import HOOKS, Course, Ways


@dataclass(frozen=True, slots=True)
class Road:
    """``comes_in`` and ``goes_out``: whether packets come from a network, and whether they go to one. ``hook`` is the
    first one of the way: packets are told as they come to it. ``whole``: it is a way from end to end, and not the hook
    of a device alone. ``outcomes`` and ``valid`` are asked of the hooks, the latter once all functions are made.
    """

    name: str
    comes_in: bool
    goes_out: bool
    hook: Hook
    whole: bool
    outcomes: Callable[[Hooks], Node]
    valid: Callable[[Hooks], Set]


def roads(rulesets: Iterable[Ruleset]) -> tuple[Road, ...]:
    """Those on which any of the rulesets has something to say."""
    hooks = {chain.hook for one in rulesets for chain in one.chains if isinstance(chain, BaseChain)}
    ways = [_course(one) for one in Course if hooks & set(HOOKS[one])]
    return (*(_device(one) for one in DEVICE_HOOKS if one in hooks), *ways)


def _course(course: Course) -> Road:
    return Road(
        course.value, course is not Course.SENT, course is not Course.RECEIVED, HOOKS[course][0], True,
        lambda hooks: Ways(hooks).outcomes(course), lambda hooks: Ways(hooks).valid(course),
    )  # fmt: skip


def _device(hook: Hook) -> Road:
    comes_in = hook is Hook.INGRESS
    return Road(
        hook.value, comes_in, not comes_in, hook, False,
        lambda hooks: hooks.outcomes(hook), lambda hooks: hooks.valid(hook),
    )  # fmt: skip
