"""Helpers that rules before conntrack give, as rules right behind it: nft gives a helper to a flow that is there.

``-t raw -j CT --helper`` marks a packet, and the flow that conntrack makes of it has the helper
(net/netfilter/xt_CT.c, nf_conntrack_core.c, init_conntrack). In nft the chains that lead to such rules are there a
second time, at a base chain behind conntrack, with nothing but the way to those rules: packets that were dropped do not
come there, and what else rules do they have done before. Only new flows get a helper, the first that they meet, on both
sides: nft gives none to a flow that has one or that is known already (net/netfilter/nft_ct.c, nft_ct_helper_obj_eval),
and none to one that a helper expected, because its packet is not new.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from polc.backends.nft.hooks import CONNTRACK, callers
from polc.backends.nft.names import FreshNames
from polc.backends.nft.refused import Refused
from polc.ir.fields import Field
from polc.ir.matches import (
    AddressMatch,
    AddressTypeMatch,
    CtState,
    CtStateMatch,
    ElementMatch,
    ExtensionHeaderMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    InterfaceMatch,
    Match,
    ReversePathMatch,
    ServiceMatch,
    SetMatch,
    TcpOptionMatch,
    Trait,
    TraitMatch,
)
from polc.ir.origin import Origin
from polc.ir.reachable import reachable
from polc.ir.ruleset import BaseChain, Chain, ChainType, Hook, RegularChain, Rule, Ruleset
from polc.ir.selectors import Direction, Selector, Side, Transport
from polc.ir.statements import AssignHelper, AssignZone, CopyMark, MapMark, MarkField, Notrack, SetMark, UpdateSet
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Return, chains_of

_BEHIND: Final = CONNTRACK + 1

_HEADERS = frozenset(
    {
        Field.IP_LENGTH, Field.TCP_MSS, Field.META_LENGTH, Field.META_SKUID, Field.META_SKGID, Field.META_IIFGROUP,
        Field.META_OIFGROUP, Field.META_CGROUP, Field.META_PKTTYPE, Field.META_PROTOCOL, Field.META_RTCLASSID,
        Field.ETHER_SADDR, Field.ETHER_DADDR, Field.ETHER_TYPE, Field.VLAN_ID, Field.AH_SPI, Field.ESP_SPI,
        Field.DCCP_TYPE, Field.MH_TYPE,
    }
)  # fmt: skip
"""Fields that are the same before conntrack and right behind it, whatever rules do."""


@dataclass(frozen=True, slots=True)
class _Ways:
    """``chains`` and those that are ``leading`` to helpers, and the ``new`` names and rules of chains behind
    conntrack.
    """

    chains: dict[str, Chain]
    leading: frozenset[str]
    names: FreshNames
    changed_sets: frozenset[str]
    marks_change: bool
    new: dict[str, tuple[str, tuple[Rule, ...]]]

    def leads(self, rule: Rule) -> bool:
        return _assigns(rule) or not self.leading.isdisjoint(chains_of(rule.verdict))


def behind_conntrack(ruleset: Ruleset) -> tuple[Ruleset, tuple[tuple[Refused, Origin], ...]]:
    """The ruleset with such helpers in chains of their own; also why some have no form, which are left out."""
    if not any(map(_assigns, (rule for chain in ruleset.chains for rule in chain.rules))):
        return ruleset, ()
    bases = callers(ruleset)
    early = {
        name: all(map(_is_early, found)) and bool(found) and any(map(_assigns, rules))
        for name, found, rules in ((chain.name, bases[chain.name], chain.rules) for chain in ruleset.chains)
    }
    if not any(early.values()):
        return ruleset, ()
    ways = _ways(ruleset)
    refused: list[tuple[Refused, Origin]] = []
    added: list[BaseChain] = []
    for base in ruleset.chains:
        if not isinstance(base, BaseChain) or not _is_early(base):
            continue
        reached = {one for one, found in bases.items() if base in found and early[one]}
        if not reached:
            continue
        try:
            rules = _rules(base, ways)
        except _Blocked as blocked:
            refused.append((blocked.refused, blocked.origin))
            continue
        name = ways.names.like(f"{base.name}-helpers")
        added.append(BaseChain(name, ChainType.FILTER, base.hook, _BEHIND, Accept(), rules, base.origin))
    regular = (RegularChain(name, rules, ways.chains[old].origin) for old, (name, rules) in ways.new.items() if rules)
    without = tuple(_without(chain) if early[chain.name] else chain for chain in ruleset.chains)
    return replace(ruleset, chains=(*without, *added, *regular)), tuple(dict.fromkeys(refused))


class _Blocked(Exception):
    """A rule on the way to helpers has no form behind conntrack."""

    def __init__(self, refused: Refused, origin: Origin) -> None:
        super().__init__(refused.reason)
        self.refused = refused
        self.origin = origin


def _is_early(base: BaseChain) -> bool:
    return base.priority <= CONNTRACK and base.hook in (Hook.PREROUTING, Hook.OUTPUT) and not base.devices


def _assigns(rule: Rule) -> bool:
    return any(isinstance(one, AssignHelper) for one in rule.statements)


def _ways(ruleset: Ruleset) -> _Ways:
    statements = [one for chain in ruleset.chains for rule in chain.rules for one in rule.statements]
    calls: dict[str, list[str]] = {}
    for chain in ruleset.chains:
        for name in (name for rule in chain.rules for name in chains_of(rule.verdict)):
            calls.setdefault(name, []).append(chain.name)
    assigning = [chain.name for chain in ruleset.chains if any(map(_assigns, chain.rules))]
    return _Ways(
        {chain.name: chain for chain in ruleset.chains},
        frozenset(reachable(assigning, lambda name: calls.get(name, ()))),
        FreshNames(frozenset(chain.name for chain in ruleset.chains)),
        frozenset(one.set_name for one in statements if isinstance(one, UpdateSet)),
        any(
            (isinstance(one, SetMark | MapMark) and one.field is MarkField.META)
            or (isinstance(one, CopyMark) and one.to is MarkField.META)
            for one in statements
        ),
        {},
    )


def _rules(chain: Chain, ways: _Ways) -> tuple[Rule, ...]:
    """The rules of a chain behind conntrack; those of a base chain as far as one leads to a helper."""
    rules = chain.rules
    if isinstance(chain, BaseChain):
        ends = [number for number, rule in enumerate(rules, 1) if ways.leads(rule)]
        rules = rules[: max(ends, default=0)]
    return tuple(one for rule in rules for one in _rule(rule, ways))


def _rule(rule: Rule, ways: _Ways) -> Iterator[Rule]:
    helpers = tuple(one for one in rule.statements if isinstance(one, AssignHelper))
    settled = bool(helpers) or any(isinstance(one, AssignZone | Notrack) for one in rule.statements)
    verdict: Accept | Return | Jump | Goto
    match rule.verdict:
        case Drop():
            return
        case Jump(chain) | Goto(chain) if not settled:
            name, rules = _called(chain, ways)
            if not rules and isinstance(rule.verdict, Jump):
                return
            verdict = replace(rule.verdict, chain=name) if rules else Return()
        case Return() if not settled:
            verdict = Return()
        case None if not settled:
            return
        case Accept() | None | Return() | Jump() | Goto():
            verdict = Accept()
        case _:
            raise _Blocked(
                Refused(
                    "nft can give a helper only behind conntrack, and what this rule before it does to the packet "
                    "decides which flows are to have one"
                ),
                rule.origin,
            )
    for one in rule.matches:
        if not _is_the_same(one, ways):
            raise _Blocked(
                Refused(
                    "nft can give a helper only behind conntrack, and there this rule, which decides which flows are "
                    "to have one, would ask for something else or count packets twice",
                    "interfaces, addresses, ports and other parts of packets",
                ),
                rule.origin,
            )
    matches = (*rule.matches, CtStateMatch(CtState.NEW)) if helpers else rule.matches
    yield Rule(matches, verdict, helpers, rule.families, rule.origin)


def _called(name: str, ways: _Ways) -> tuple[str, tuple[Rule, ...]]:
    known = ways.new.get(name)
    if known is None:
        rules = _rules(ways.chains[name], ways)
        kept = rules if any(_matters(one) for one in rules) else ()
        known = ways.new[name] = (ways.names.like(f"{name}-helpers") if kept else name, kept)
    return known


def _matters(rule: Rule) -> bool:
    """Whether it is more than a way back to the chain that called."""
    return bool(rule.statements) or not isinstance(rule.verdict, Return)


def _is_the_same(match: Match, ways: _Ways) -> bool:
    """Whether it says of a packet behind conntrack what it said before, and counts nothing."""
    match match:
        case (
            InterfaceMatch()
            | AddressMatch()
            | ServiceMatch()
            | ReversePathMatch()
            | AddressTypeMatch()
            | TcpOptionMatch()
            | ExtensionHeaderMatch()
            | FlagsMatch(field=FlagField.TCP_FLAGS)
            | TraitMatch(trait=Trait.FRAGMENT | Trait.IPSEC)
        ):
            return True
        case FieldMatch(field):
            return _field_is_the_same(field, ways)
        case SetMatch(key, name):
            return name not in ways.changed_sets and _all_the_same(key, ways)
        case ElementMatch(key):
            return _all_the_same(key, ways)
        case _:
            return False


def _all_the_same(key: Iterable[Selector], ways: _Ways) -> bool:
    return all(
        _field_is_the_same(one, ways) if isinstance(one, Field) else isinstance(one, Side | Transport | Direction)
        for one in key
    )


def _field_is_the_same(field: Field, ways: _Ways) -> bool:
    return field in _HEADERS or (field is Field.META_MARK and not ways.marks_change)


def _without(chain: Chain) -> Chain:
    """The chain without helpers, and without rules that have done nothing else."""
    rules = []
    for rule in chain.rules:
        if _assigns(rule):
            statements = tuple(one for one in rule.statements if not isinstance(one, AssignHelper))
            if not statements and rule.verdict is None:
                continue
            rule = replace(rule, statements=statements)
        rules.append(rule)
    return replace(chain, rules=tuple(rules))
