"""Where base chains may stand (net/netfilter/nft_chain_filter.c, nft_chain_nat.c, nft_chain_route.c)."""

from __future__ import annotations

from polc.backends.nft.refused import Refused
from polc.ir.ruleset import BaseChain, ChainType, Hook, Ruleset
from polc.ir.verdicts import Goto, Jump

_HOOKS: dict[ChainType, frozenset[Hook]] = {
    ChainType.FILTER: frozenset(Hook),
    ChainType.NAT: frozenset({Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING}),
    ChainType.ROUTE: frozenset({Hook.OUTPUT}),
}
_CONNTRACK = -200
_LOWEST, _HIGHEST = -(2**31), 2**31 - 1


def check_hook(chain: BaseChain) -> None:
    """Raises:
    Refused: the kernel has no such base chain.
    """
    if chain.hook not in _HOOKS[chain.type]:
        raise Refused(f"nft has no chain of type {chain.type.value} at the {chain.hook.value} hook")
    if chain.type is ChainType.NAT and chain.priority <= _CONNTRACK:
        raise Refused("a chain of type nat needs a priority above -200, where conntrack stands")
    if not _LOWEST <= chain.priority <= _HIGHEST:
        raise Refused(f"{chain.priority} is not a priority: it has 32 bits")


def before_conntrack(ruleset: Ruleset) -> frozenset[str]:
    """The chains that packets may reach before conntrack has looked at them."""
    calls = {
        chain.name: [rule.verdict.chain for rule in chain.rules if isinstance(rule.verdict, Jump | Goto)]
        for chain in ruleset.chains
    }
    todo = [
        chain.name
        for chain in ruleset.chains
        if isinstance(chain, BaseChain)
        and chain.hook in (Hook.PREROUTING, Hook.OUTPUT)
        and chain.priority <= _CONNTRACK
    ]
    found: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += calls.get(name, ())
    return frozenset(found)
