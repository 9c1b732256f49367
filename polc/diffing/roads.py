"""The ways of packets that are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from polc.ir.family import Family
from polc.ir.ruleset import BaseChain, Hook, Ruleset
from polc.symbolic.diagram import Node
from polc.symbolic.hooks import Hooks
from polc.symbolic.space import Set


@dataclass(frozen=True, slots=True)
class Road:
    """``comes_in`` and ``goes_out``: whether packets come from a network, and whether they go to one. ``whole``: all
    hooks of the way are in it; else ``hook`` alone is, and packets are as they are there. ``outcomes`` and ``valid``
    are asked of the hooks, the latter once all functions are made.
    """

    name: str
    comes_in: bool
    goes_out: bool
    whole: bool
    hook: Hook
    outcomes: Callable[[Hooks], Node]
    valid: Callable[[Hooks], Set]


def roads(family: Family, rulesets: Iterable[Ruleset]) -> tuple[Road, ...]:
    """Those at which any of the rulesets has something to say."""
    hooks = {chain.hook for one in rulesets for chain in one.chains if isinstance(chain, BaseChain)}
    return tuple(_at(hook) for hook in Hook if hook in hooks)


def _at(hook: Hook) -> Road:
    comes_in = hook in (Hook.INGRESS, Hook.PREROUTING, Hook.INPUT, Hook.FORWARD)
    goes_out = hook in (Hook.EGRESS, Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING)
    return Road(
        hook.value, comes_in, goes_out, False, hook, lambda hooks: hooks.outcomes(hook), lambda hooks: hooks.valid(hook)
    )
