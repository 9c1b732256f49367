"""Interfaces at built-in chains: which a packet has there, and which the tools let a rule ask for."""

from __future__ import annotations

from dataclasses import replace

from polc.backends.iptables.tables import ABSENT, Place
from polc.ir.matches import Direction, InterfaceMatch
from polc.ir.ruleset import BaseChain, Chain, RegularChain, Rule


def at_hook(rule: Rule, chain: Chain, places: frozenset[Place]) -> Rule | None:
    """The rule without matches of an interface that no packet has in its built-in chain.

    None when it asked for one there, which no packet meets. The tools accept such matches in regular chains.
    """
    if isinstance(chain, RegularChain):
        return rule
    (built_in,) = (at.chain for at in places)
    kept = []
    for match in rule.matches:
        if isinstance(match, InterfaceMatch) and ABSENT.get(built_in) is match.direction:
            if not match.negated:
                return None
            continue
        kept.append(match)
    return replace(rule, matches=tuple(kept))


def hides_interface(rule: Rule, chain: Chain, name: str) -> bool:
    """Whether the rule asks in POSTROUTING where a packet came in: the tools refuse `-i` there, but not in a chain that
    POSTROUTING calls, and the kernel knows it since Linux 5.7 (net/ipv4/ip_output.c, ip_output).
    """
    return (
        isinstance(chain, BaseChain)
        and name == "POSTROUTING"
        and any(isinstance(one, InterfaceMatch) and one.direction is Direction.IN for one in rule.matches)
    )
