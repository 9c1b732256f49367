"""Firewalls as questions about all packets take them."""

from __future__ import annotations

from collections.abc import Sequence

from polc.firewalls import Firewall
from polc.policy.lower.classes import Names
from polc.proving.names import names_of_rulesets
from polc.symbolic.hooks import Loaded


def loaded(firewalls: Sequence[Firewall]) -> list[Loaded]:
    """The rulesets of all, on one host."""
    return [Loaded(ruleset, one.flavour) for one in firewalls for ruleset in one.rulesets]


def assertion_names(firewalls: Sequence[Firewall]) -> Names:
    """What words name: the definitions of the first policy, or interfaces and sets where there is none."""
    for one in firewalls:
        if one.policy is not None:
            return Names(one.policy.symbols, one.policy.settings)
    return names_of_rulesets([ruleset for one in firewalls for ruleset in one.rulesets])
