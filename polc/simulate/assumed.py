"""The host that rulesets and packets speak of, where nobody has described it."""

from __future__ import annotations

from collections.abc import Iterable

from polc.ir.matches import InterfaceMatch
from polc.ir.ruleset import BaseChain, Ruleset
from polc.simulate.host import Host


def assumed_host(rulesets: Iterable[Ruleset], interfaces: Iterable[str]) -> Host:
    """A host with the interfaces that rules name and those of the packets to come (see ``Host.assumed``)."""
    names = set(interfaces)
    for ruleset in rulesets:
        for chain in ruleset.chains:
            if isinstance(chain, BaseChain):
                names.update(chain.devices)
            for rule in chain.rules:
                for match in rule.matches:
                    if isinstance(match, InterfaceMatch):
                        names.update(one.name for one in match.patterns if not one.wildcard)
    return Host.assumed(names)
