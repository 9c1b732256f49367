"""Tables of iptables, their built-in chains, and the base chains that those are (iptables(8), TABLES)."""

from __future__ import annotations

from dataclasses import dataclass

from polc.ir.ruleset import ChainType, Hook, Priority

TABLES: dict[str, tuple[str, ...]] = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "security": ("INPUT", "FORWARD", "OUTPUT"),
}

"""In the order in which a packet meets them."""

NO_INTERFACE: dict[str, frozenset[str]] = {
    "i": frozenset({"OUTPUT", "POSTROUTING"}),
    "o": frozenset({"PREROUTING", "INPUT"}),
}
"""Built-in chains in which iptables takes no ``-i``, or no ``-o`` (iptables/xshared.c)."""

_PRIORITIES = {
    "raw": Priority.RAW,
    "mangle": Priority.MANGLE,
    "filter": Priority.FILTER,
    "security": Priority.SECURITY,
}
_NAT = {
    "PREROUTING": Priority.DSTNAT,
    "OUTPUT": Priority.DSTNAT,
    "INPUT": Priority.SRCNAT,
    "POSTROUTING": Priority.SRCNAT,
}
SOURCE_NAT = frozenset({"INPUT", "POSTROUTING"})
"""Chains of table nat in which NETMAP maps sources; in the others it maps destinations (net/netfilter/xt_NETMAP.c)."""


@dataclass(frozen=True, slots=True)
class Base:
    """The base chain that a built-in chain is."""

    name: str
    type: ChainType
    hook: Hook
    priority: int


def base(table: str, chain: str) -> Base:
    """See ``net/ipv4/netfilter/iptable_*.c``; behind OUTPUT of table mangle the route is looked up again."""
    hook = Hook(chain.lower())
    name = hook.value if table == "filter" else f"{table}-{hook.value}"
    if table == "nat":
        return Base(name, ChainType.NAT, hook, _NAT[chain].value)
    rerouted = table == "mangle" and chain == "OUTPUT"
    return Base(name, ChainType.ROUTE if rerouted else ChainType.FILTER, hook, _PRIORITIES[table].value)
