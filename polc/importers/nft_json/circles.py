"""Chains that lead back to themselves, which the kernel does not take (net/netfilter/nf_tables_api.c)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from polc.ir.ruleset import Chain
from polc.ir.verdicts import chains_of


def circle(chains: Iterable[Chain]) -> tuple[str, ...]:
    """The names along one circle of jumps and gotos, each leading to the next; none: there is no circle."""
    calls = {chain.name: [name for rule in chain.rules for name in chains_of(rule.verdict)] for chain in chains}
    done: set[str] = set()
    for start in calls:
        found = _from(start, calls, done)
        if found:
            return found
    return ()


def _from(start: str, calls: Mapping[str, list[str]], done: set[str]) -> tuple[str, ...]:
    """A circle that is come to from ``start``; ``done`` are chains that lead to none."""
    way: list[str] = []
    inside: set[str] = set()
    # Steps ahead: a chain to enter, or None, to leave the last one.
    ahead: list[str | None] = [start]
    while ahead:
        name = ahead.pop()
        if name is None:
            left = way.pop()
            inside.discard(left)
            done.add(left)
        elif name in inside:
            return tuple(way[way.index(name) :])
        elif name not in done:
            way.append(name)
            inside.add(name)
            ahead.append(None)
            ahead += calls.get(name, ())
    return ()
