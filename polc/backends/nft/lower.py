"""A ruleset as an nft table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from polc.backends.model import Deviation, Fidelity
from polc.backends.nft import hits
from polc.backends.nft.definitions import (
    ChainDefinition,
    CounterDefinition,
    HelperDefinition,
    HookDefinition,
    RuleDefinition,
    SetDefinition,
    TableDefinition,
)
from polc.backends.nft.hooks import callers, check_hook, check_place
from polc.backends.nft.limits import check_size
from polc.backends.nft.names import FreshNames, check_name
from polc.backends.nft.refused import Refused
from polc.backends.nft.rules import LoweredRule, RuleLowering
from polc.backends.nft.sharing import Sharing
from polc.ir.origin import Origin
from polc.ir.ruleset import BaseChain, Chain, DynamicSet, Ruleset
from polc.ir.statements import UpdateSet
from polc.ir.verdicts import Accept

_REFUSED: Final = "refused"


@dataclass(slots=True)
class _Table:
    """The table as far as it is built; dicts keep the order of first use and hold each once."""

    sets: dict[str, SetDefinition] = field(default_factory=dict)
    helpers: dict[str, HelperDefinition] = field(default_factory=dict)
    counters: dict[str, CounterDefinition] = field(default_factory=dict)
    chains: list[ChainDefinition] = field(default_factory=list)
    deviations: list[Deviation] = field(default_factory=list)

    def refuse(self, refused: Refused, origin: Origin) -> None:
        self.deviations.append(Deviation(Fidelity.REFUSED, _REFUSED, origin, refused.reason, refused.help))

    def add(self, lowered: LoweredRule, origin: Origin) -> None:
        """Take what came along with a rule, once it is certain that the rule has a form."""
        self.sets |= {one.name: one for one in lowered.sets}
        self.helpers |= {one.name: one for one in lowered.helpers}
        self.counters |= {name: CounterDefinition(name) for name in lowered.counters}
        self.chains += (ChainDefinition(name, None, tuple(rules)) for name, rules in lowered.chains.items())
        self.deviations += (
            Deviation(Fidelity.APPROXIMATE, hits.NAME, origin, message, "`over` with a rate, which nft has exactly")
            for message in lowered.messages
        )


def lower(ruleset: Ruleset, *, json: bool) -> tuple[TableDefinition, tuple[Deviation, ...]]:
    """The table for a ruleset that went through the passes; ``json`` tells the format that it will be printed in.

    A rule, set or chain that nft has no form for is left out, and is a refused deviation.
    """
    table = _Table()
    check_name("table", ruleset.table)
    updated = _updated(ruleset)
    for one in ruleset.sets:
        _add_set(one, table, timed=one.timeout is not None or one.name in updated)
    rules = RuleLowering(
        json=json,
        sets={one.name: one for one in ruleset.sets},
        sharing=Sharing.of(ruleset, json=json),
        chain_names=FreshNames(frozenset(chain.name for chain in ruleset.chains)),
        set_names=FreshNames(frozenset(one.name for one in ruleset.sets)),
    )
    bases = callers(ruleset)
    for chain in ruleset.chains:
        _add_chain(chain, rules, table, bases[chain.name])
    found = TableDefinition(
        ruleset.table,
        tuple(table.counters.values()),
        tuple(table.helpers.values()),
        tuple(table.sets.values()),
        tuple(table.chains),
    )
    # Both families' rules of one policy rule deviate alike.
    return found, tuple(dict.fromkeys(table.deviations))


def _updated(ruleset: Ruleset) -> frozenset[str]:
    """The sets that rules fill. The kernel needs to be told; JSON of nft 0.9.8 has no other way to than a timeout."""
    statements = (one for chain in ruleset.chains for rule in chain.rules for one in rule.statements)
    return frozenset(one.set_name for one in statements if isinstance(one, UpdateSet))


def _add_set(one: DynamicSet, table: _Table, *, timed: bool) -> None:
    try:
        check_name("set", one.name)
        if one.size is None:
            raise Refused(f"the set `{one.name}` has no size")
        check_size(one.size)
    except Refused as refused:
        table.refuse(refused, one.origin)
    else:
        types = tuple(part.value for part in one.types)
        table.sets[one.name] = SetDefinition(one.name, types, one.size, one.timeout, timed)


def _add_chain(chain: Chain, rules: RuleLowering, table: _Table, bases: list[BaseChain]) -> None:
    try:
        check_name("chain", chain.name)
        if isinstance(chain, BaseChain):
            check_hook(chain)
    except Refused as refused:
        table.refuse(refused, chain.origin)
    definitions: list[RuleDefinition] = []
    for rule in chain.rules:
        try:
            lowered = rules.lower(rule, chain.name)
            check_place(rule, bases)
        except Refused as refused:
            table.refuse(refused, rule.origin)
        else:
            definitions += lowered.rules
            table.add(lowered, rule.origin)
    table.chains.append(ChainDefinition(chain.name, _hook(chain), tuple(definitions)))


def _hook(chain: Chain) -> HookDefinition | None:
    if not isinstance(chain, BaseChain):
        return None
    policy = "accept" if isinstance(chain.policy, Accept) else "drop"
    return HookDefinition(chain.type.value, chain.hook.value, chain.priority, policy)
