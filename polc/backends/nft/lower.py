"""A ruleset as an nft table."""

from __future__ import annotations

from dataclasses import dataclass, field
from json import loads
from typing import Final

from polc.backends.features import Feature
from polc.backends.model import Deviation, Fidelity
from polc.backends.nft.context import Context
from polc.backends.nft.definitions import (
    ChainDefinition,
    CounterDefinition,
    Definition,
    FlowtableDefinition,
    HelperDefinition,
    HookDefinition,
    LimitDefinition,
    MapDefinition,
    OpaqueDefinition,
    QuotaDefinition,
    RuleDefinition,
    SetDefinition,
    TableDefinition,
    TimeoutDefinition,
)
from polc.backends.nft.families import check_family
from polc.backends.nft.groups import Groups
from polc.backends.nft.hooks import callers, check_hook, check_place
from polc.backends.nft.names import FreshNames, check_device, check_name
from polc.backends.nft.nearest import nearest
from polc.backends.nft.needs import OF_TABLES, needs
from polc.backends.nft.raw_helpers import behind_conntrack
from polc.backends.nft.recent import RecentLists
from polc.backends.nft.refused import Refused
from polc.backends.nft.renames import renamed
from polc.backends.nft.require import require
from polc.backends.nft.rules import LoweredRule, RuleLowering
from polc.backends.nft.sets import define_set
from polc.backends.nft.sharing import Sharing
from polc.backends.profile import Profile
from polc.ir.matches import Syntax
from polc.ir.origin import Origin
from polc.ir.ruleset import BaseChain, Chain, DynamicSet, Flowtable, Ruleset, TableFamily
from polc.ir.statements import UpdateSet
from polc.ir.verdicts import Accept

_REFUSED: Final = "refused"

_ORDER: tuple[type[Definition], ...] = (
    CounterDefinition,
    HelperDefinition,
    TimeoutDefinition,
    LimitDefinition,
    QuotaDefinition,
    FlowtableDefinition,
    OpaqueDefinition,
    SetDefinition,
    MapDefinition,
)
"""In which definitions stand in a table: by kind, and then by first use."""


@dataclass(slots=True)
class _Table:
    """The table as far as it is built; dicts keep the order of first use and hold each once."""

    definitions: dict[tuple[type[Definition], str], Definition] = field(default_factory=dict)
    chains: list[ChainDefinition] = field(default_factory=list)
    deviations: list[Deviation] = field(default_factory=list)

    def refuse(self, refused: Refused, origin: Origin) -> None:
        self.deviations.append(Deviation(Fidelity.REFUSED, _REFUSED, origin, refused.reason, refused.help))

    def add(self, lowered: LoweredRule, origin: Origin) -> None:
        """Take what came along with a rule, once it is certain that the rule has a form.

        Raises:
            Refused: something else has the name of a definition.
        """
        new = {key: self._joined(key, one) for one in lowered.along.definitions for key in ((type(one), one.name),)}
        self.definitions |= new
        self.chains += (ChainDefinition(name, None, tuple(rules)) for name, rules in lowered.chains.items())
        self.deviations += (
            Deviation(Fidelity.APPROXIMATE, *difference[:1], origin, *difference[1:])
            for difference in lowered.along.differences
        )

    def _joined(self, key: tuple[type[Definition], str], one: Definition) -> Definition:
        known = self.definitions.get(key, one)
        if known == one:
            return one
        if isinstance(known, CounterDefinition) and isinstance(one, CounterDefinition):
            bare = CounterDefinition(one.name)
            if bare in (known, one):
                return known if one == bare else one
        raise Refused(f"`{one.name}` is named twice, with different values", "another name")


def lower(ruleset: Ruleset, profile: Profile, *, json: bool) -> tuple[TableDefinition, tuple[Deviation, ...]]:
    """The table for a ruleset that went through the passes; ``json`` tells the format that it will be printed in.

    A rule, set or chain that nft has no form for is left out, and is a refused deviation; one that has another name in
    nft is an exact one.
    """
    table = _Table()
    check_name("table", ruleset.table)
    ruleset, told = renamed(ruleset)
    table.deviations += told
    ruleset, differences = nearest(ruleset)
    table.deviations += differences
    ruleset, refused = behind_conntrack(ruleset)
    for reason, origin in refused:
        table.refuse(reason, origin)
    family = OF_TABLES.get(ruleset.family)
    if family is not None:
        require(profile, family)
    sets = _sets(ruleset, profile, table)
    flowtables = _flowtables(ruleset, profile, table, json=json)
    declared = _declared(ruleset, table, json=json)
    names = FreshNames(frozenset((*(one.name for one in ruleset.sets), *declared)))
    chain_names = FreshNames(frozenset(chain.name for chain in ruleset.chains))
    rules = RuleLowering(
        Context(
            profile=profile,
            json=json,
            table=ruleset.family,
            sets=sets,
            flowtables=flowtables,
            sharing=Sharing.of(ruleset, profile, json=json),
            recent=RecentLists.of(ruleset, names, chain_names),
            groups=Groups(names),
            chain_names=chain_names,
            names=names,
        )
    )
    bases = callers(ruleset)
    for chain in ruleset.chains:
        _add_chain(chain, rules, table, bases[chain.name])
    table.chains += rules.context.recent.chains
    by_kind = sorted(table.definitions.values(), key=lambda one: _ORDER.index(type(one)))
    found = TableDefinition(ruleset.family.value, ruleset.table, tuple(by_kind), tuple(table.chains))
    # Both families' rules of one policy rule deviate alike.
    return found, tuple(dict.fromkeys(table.deviations))


def _sets(ruleset: Ruleset, profile: Profile, table: _Table) -> dict[str, DynamicSet]:
    """The sets that nft has a form for, which go into the table."""
    statements = (one for chain in ruleset.chains for rule in chain.rules for one in rule.statements)
    filled = frozenset(one.set_name for one in statements if isinstance(one, UpdateSet))
    found: dict[str, DynamicSet] = {}
    for one in ruleset.sets:
        try:
            definition = define_set(one, profile, filled=one.name in filled)
        except Refused as refused:
            table.refuse(refused, one.origin)
        else:
            table.definitions[type(definition), one.name] = definition
            found[one.name] = one
    return found


def _flowtables(ruleset: Ruleset, profile: Profile, table: _Table, *, json: bool) -> dict[str, Flowtable]:
    found: dict[str, Flowtable] = {}
    for one in ruleset.flowtables:
        try:
            definition = _flowtable(one, ruleset.family, profile, json=json)
        except Refused as refused:
            table.refuse(refused, one.origin)
        else:
            table.definitions[type(definition), one.name] = definition
            found[one.name] = one
    return found


def _declared(ruleset: Ruleset, table: _Table, *, json: bool) -> frozenset[str]:
    """The names of what is declared in nft's words, which goes into the table."""
    found: set[str] = set()
    for one in ruleset.declarations:
        if one.syntax is not Syntax.NFT_JSON or not json:
            reason = f"this is known in nft's JSON alone: `{one.words}`"
            table.refuse(Refused(reason, "`--format json`"), one.origin)
            continue
        ((kind, inside),) = loads(one.words).items()
        definition = OpaqueDefinition(kind, inside["name"], one.words)
        table.definitions[OpaqueDefinition, f"{kind} {definition.name}"] = definition
        found.add(definition.name)
    return frozenset(found)


def _flowtable(one: Flowtable, family: TableFamily, profile: Profile, *, json: bool) -> FlowtableDefinition:
    check_name("flowtable", one.name)
    for name in one.devices:
        check_device(name)
    if family not in (TableFamily.INET, TableFamily.IP, TableFamily.IP6):
        raise Refused(f"nft has no flowtables in tables of the family {family.value}")
    needed = [Feature.FLOWTABLE]
    needed += [Feature.FLOWTABLE_JSON] if json else []
    needed += [Feature.FLOWTABLE_OFFLOAD] if one.hardware else []
    require(profile, *needed)
    if json and one.hardware:
        raise Refused("nft's JSON cannot say that devices offload flows by themselves", "`--format text`")
    return FlowtableDefinition(one.name, one.devices, one.priority, ("offload",) if one.hardware else ())


def _add_chain(chain: Chain, rules: RuleLowering, table: _Table, bases: list[BaseChain]) -> None:
    """A chain that is refused takes its rules with it."""
    context = rules.context
    try:
        check_name("chain", chain.name)
        if isinstance(chain, BaseChain):
            check_hook(chain, context.table, context.profile, json=context.json)
    except Refused as refused:
        table.refuse(refused, chain.origin)
        return
    definitions: list[RuleDefinition] = []
    for rule in chain.rules:
        try:
            for feature in needs(rule, bases):
                context.need(feature)
            lowered = rules.lower(rule, chain.name)
            check_place(rule, bases)
            check_family(rule, bases, context.table)
            table.add(lowered, rule.origin)
        except Refused as refused:
            table.refuse(refused, rule.origin)
        else:
            definitions += lowered.rules
    table.chains.append(ChainDefinition(chain.name, _hook(chain), tuple(definitions)))


def _hook(chain: Chain) -> HookDefinition | None:
    if not isinstance(chain, BaseChain):
        return None
    policy = "accept" if isinstance(chain.policy, Accept) else "drop"
    return HookDefinition(chain.type.value, chain.hook.value, chain.priority, policy, chain.devices)
