"""Rulesets without the rules that no packet of a class meets: a question about few packets asks few rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from polc.ir.family import Family
from polc.ir.matches import AddressMatch, InterfaceMatch, Match, ServiceMatch, Side
from polc.ir.ruleset import BaseChain, ChainType, Rule, Ruleset
from polc.policy.lower.classes import Packets
from polc.proving.grounds import Grounds
from polc.symbolic.chains import Chains
from polc.symbolic.diagram import NONE
from polc.symbolic.hooks import Loaded


def narrowed(loaded: Sequence[Loaded], packets: Packets, family: Family, *, budget: int) -> list[Loaded]:
    """The same for packets of the class. Only what no rule changes on a packet's way is looked at: interfaces, and
    addresses and services where nothing translates them.
    """
    grounds = Grounds((loaded,), family, (packets,), budget=budget)
    manager = grounds.space.manager
    asked = manager.first_of(grounds.of_class(packets, way) for way in packets.rules)
    translated = any(
        isinstance(chain, BaseChain) and chain.type is ChainType.NAT for one in loaded for chain in one.ruleset.chains
    )

    def without(own: Loaded) -> Ruleset:
        chains = Chains(grounds.space, own.ruleset, own.flavour)

        def meets(rule: Rule) -> bool:
            found = asked
            for match in rule.matches:
                if found != NONE and _stays(match, translated=translated):
                    found = manager.where(chains.match(match), found)
            return found != NONE

        kept = (replace(chain, rules=tuple(filter(meets, chain.rules))) for chain in own.ruleset.chains)
        return replace(own.ruleset, chains=tuple(kept))

    return [Loaded(without(one), one.flavour) for one in loaded]


def _stays(match: Match, *, translated: bool) -> bool:
    match match:
        case InterfaceMatch():
            return True
        case AddressMatch(side=side):
            return side is Side.SADDR or not translated
        case ServiceMatch():
            return not translated
        case _:
            return False
