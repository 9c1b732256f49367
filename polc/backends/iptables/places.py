"""Which built-in chains packets of a chain come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from polc.backends.iptables.extensions.words import Refused
from polc.backends.iptables.tables import Place, place
from polc.ir.reachable import reachable
from polc.ir.ruleset import BaseChain, Chain, RegularChain, Ruleset
from polc.ir.verdicts import chains_of

Places = Mapping[str, frozenset[Place]]
"""By the name of the chain; a base chain has one place, and is not there if it was refused."""


def find_places(ruleset: Ruleset, refuse: Callable[[Refused, BaseChain], None]) -> Places:
    found: dict[str, frozenset[Place]] = {}
    taken: dict[Place, str] = {}
    for chain in ruleset.chains:
        if isinstance(chain, BaseChain):
            try:
                at = place(chain)
                if at in taken:
                    first = taken[at]
                    message = f"`{first}` and `{chain.name}` are both {at.chain} of table {at.table} in iptables"
                    raise Refused("base-chain", message, "join the two chains")
            except Refused as refused:
                refuse(refused, chain)
                continue
            taken[at] = chain.name
            found[chain.name] = frozenset({at})
    chains = {chain.name: chain for chain in ruleset.chains}
    for name, start in [(name, next(iter(places))) for name, places in found.items()]:
        for reached in reachable(_called(chains[name]), lambda one: _called(chains[one])):
            found[reached] = found.get(reached, frozenset()) | {start}
    for chain in ruleset.chains:
        if isinstance(chain, RegularChain) and chain.name not in found:
            # Nothing leads there.
            found[chain.name] = frozenset({Place("filter", chain.name)})
    return found


def _called(chain: Chain) -> set[str]:
    return {name for rule in chain.rules for name in chains_of(rule.verdict)}
