"""How many chains deep calls lead: the kernel takes no table in which they lead deeper than it can follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from polc.backends.nft.definitions import ChainDefinition, MapDefinition, TableDefinition
from polc.backends.nft.statements import Call, Decide
from polc.ir.reachable import depths

DEEPEST = 15
"""Chains below a base chain, by jumps and gotos alike (include/net/netfilter/nf_tables.h, NFT_JUMP_STACK_SIZE;
net/netfilter/nf_tables_api.c, nft_chain_validate).
"""


def too_deep(table: TableDefinition) -> dict[str, int]:
    """Base chains from which calls lead too deep, and how deep that is. Chains lead to each other in no circle."""
    maps = {one.name: one for one in table.definitions if isinstance(one, MapDefinition)}
    called = {chain.name: tuple(dict.fromkeys(_called(chain, maps))) for chain in table.chains}
    found = depths(called)
    return {chain.name: found[chain.name] for chain in table.chains if chain.hook and found[chain.name] > DEEPEST}


def _called(chain: ChainDefinition, maps: Mapping[str, MapDefinition]) -> Iterator[str]:
    for rule in chain.rules:
        for one in rule.statements:
            match one:
                case Call(chain=name):
                    yield name
                case Decide(pairs=pairs):
                    rows = pairs if isinstance(pairs, tuple) else maps[pairs.name].pairs
                    yield from (value.chain for _, value in rows if isinstance(value, Call))
                case _:
                    pass
