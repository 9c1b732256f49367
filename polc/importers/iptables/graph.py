"""Which chains lead to which: jumps in a circle, and the built-in chains that packets of a chain come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from polc.importers.iptables.draft import Draft
from polc.importers.iptables.state import Chain, Table
from polc.ir.reachable import reachable
from polc.ir.verdicts import Goto, Jump

DEEPEST = 15
"""Chains below a base chain that nft can be in at once (include/net/netfilter/nf_tables.h, NFT_JUMP_STACK_SIZE)."""


def calls(chain: Chain) -> dict[str, Draft]:
    """The chains that a chain's rules jump or go to, each with the first rule that does."""
    found: dict[str, Draft] = {}
    for rule in chain.rules:
        if isinstance(rule.verdict, Jump | Goto):
            found.setdefault(rule.verdict.chain, rule)
    return found


def origins(table: Table) -> dict[str, frozenset[str]]:
    """For each chain the built-in chains from which packets reach it, itself included."""
    called = {name: tuple(calls(chain)) for name, chain in table.chains.items()}
    found: dict[str, set[str]] = {name: set() for name in table.chains}
    for name, chain in table.chains.items():
        if chain.built_in:
            for reached in reachable([name], called.__getitem__):
                found[reached].add(name)
    return {name: frozenset(names) for name, names in found.items()}


def bottom_up(called: Mapping[str, Mapping[str, Draft]]) -> Iterator[str | tuple[Draft, ...]]:
    """Each chain after all that it calls, or, for a circle, the rules that close it in their order."""
    done: set[str] = set()
    for root in called:
        path: list[tuple[str, Iterator[tuple[str, Draft]]]] = []
        through: list[Draft] = []
        waiting: tuple[str, Draft | None] | None = None if root in done else (root, None)
        open_names: set[str] = set()
        while waiting or path:
            if waiting:
                name, rule = waiting
                path.append((name, iter(called[name].items())))
                open_names.add(name)
                if rule is not None:
                    through.append(rule)
            name, ahead = path[-1]
            waiting = next(((to, by) for to, by in ahead if to not in done), None)
            if waiting is None:
                path.pop()
                open_names.discard(name)
                if through:
                    through.pop()
                done.add(name)
                yield name
            elif waiting[0] in open_names:
                start = next(index for index, (one, _) in enumerate(path) if one == waiting[0])
                closing = waiting[1]
                assert closing is not None
                yield (*through[start:], closing)
                waiting = None


def depths(called: Mapping[str, Mapping[str, Draft]]) -> dict[str, int]:
    """How many chains deep calls from each chain lead; circles do not count."""
    found: dict[str, int] = {}
    for name in bottom_up(called):
        if isinstance(name, str):
            found[name] = max((found.get(one, 0) + 1 for one in called[name]), default=0)
    return found
