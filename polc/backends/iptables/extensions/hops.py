"""``-j TTL`` and ``-j HL`` (net/netfilter/xt_HL.c)."""

from __future__ import annotations

from polc.backends.iptables.extensions.words import Target
from polc.ir.family import Family
from polc.ir.statements import HopChange, SetHops

_NAMES = {Family.IP: ("TTL", "ttl"), Family.IP6: ("HL", "hl")}
_VERBS = {HopChange.SET: "set", HopChange.INCREASE: "inc", HopChange.DECREASE: "dec"}


def target(one: SetHops, family: Family) -> Target | None:
    """None where nothing changes: the tools take no change by 0."""
    if one.value == 0 and one.change is not HopChange.SET:
        return None
    name, option = _NAMES[family]
    return Target(f"-j {name} --{option}-{_VERBS[one.change]} {one.value}")
