"""Rulesets from the IR's own nodes, in few words."""

from __future__ import annotations

from polc.ir.addresses import AddressSet, parse_address
from polc.ir.intervals import Intervals
from polc.ir.matches import AddressMatch, Match, PortTerm, ServiceMatch, Side
from polc.ir.protocols import TCP
from polc.ir.ruleset import BaseChain, Chain, ChainType, Hook, RegularChain, Rule, Ruleset
from polc.ir.statements import Statement
from polc.ir.verdicts import Accept, Drop, Verdict


def one(value: int) -> Intervals:
    return Intervals.single(value)


def tcp(port: int) -> ServiceMatch:
    return ServiceMatch((PortTerm(TCP, None, one(port)),))


def source(*addresses: str) -> AddressMatch:
    return AddressMatch(Side.SADDR, AddressSet.of(map(parse_address, addresses)))


def rule(*parts: Match | Statement | Verdict) -> Rule:
    """A rule of parts in any order."""
    matches = tuple(part for part in parts if isinstance(part, Match))
    verdict = next((part for part in parts if isinstance(part, Verdict)), None)
    return Rule(matches, verdict, tuple(part for part in parts if isinstance(part, Statement)))


def base(
    hook: Hook,
    *rules: Rule,
    priority: int = 0,
    policy: Accept | Drop | None = None,
    type: ChainType = ChainType.FILTER,
    name: str = "",
    devices: tuple[str, ...] = (),
) -> BaseChain:
    return BaseChain(
        name or f"{hook.value}{priority}", type, hook, priority, policy or Accept(), rules, devices=devices
    )


def chain(name: str, *rules: Rule) -> RegularChain:
    return RegularChain(name, rules)


def table(*chains: Chain) -> Ruleset:
    return Ruleset(chains)
