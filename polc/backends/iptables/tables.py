"""Tables of iptables, their built-in chains, and what may stand in them (iptables(8), TABLES)."""

from __future__ import annotations

from dataclasses import dataclass

from polc.backends.iptables.extensions.nat import HOOKS
from polc.backends.iptables.extensions.words import Refused
from polc.ir.matches import Direction
from polc.ir.ruleset import BaseChain, ChainType, Hook, Priority
from polc.ir.verdicts import Drop, Nat, Reject, Verdict

TABLES: dict[str, tuple[str, ...]] = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "security": ("INPUT", "FORWARD", "OUTPUT"),
}
"""In the order in which a packet meets them."""


@dataclass(frozen=True, slots=True)
class Place:
    """A built-in chain."""

    table: str
    chain: str


_FILTER_TABLES = {
    Priority.RAW: "raw",
    Priority.MANGLE: "mangle",
    Priority.FILTER: "filter",
    Priority.SECURITY: "security",
}
_NAT_PRIORITIES = {
    Hook.PREROUTING: Priority.DSTNAT,
    Hook.OUTPUT: Priority.DSTNAT,
    Hook.INPUT: Priority.SRCNAT,
    Hook.POSTROUTING: Priority.SRCNAT,
}


def place(chain: BaseChain) -> Place:
    """The built-in chain with the hook and priority of a base chain (ip_tables.c and the table modules).

    Raises:
        Refused: iptables has none.
    """
    name = chain.hook.value.upper()
    match chain.type:
        case ChainType.FILTER:
            table = next((table for at, table in _FILTER_TABLES.items() if at.value == chain.priority), None)
        case ChainType.ROUTE:
            table = "mangle" if chain.hook is Hook.OUTPUT and chain.priority == Priority.MANGLE.value else None
        case ChainType.NAT:
            wanted = _NAT_PRIORITIES.get(chain.hook)
            table = "nat" if wanted is not None and chain.priority == wanted.value else None
    if table is None or name not in TABLES[table]:
        raise Refused(
            "base-chain",
            f"iptables has no {chain.type.value} chain at hook {chain.hook.value} with priority {chain.priority} "
            f"(chain `{chain.name}`)",
        )
    if table == "nat" and isinstance(chain.policy, Drop):
        raise Refused("nat-drop", f"iptables lets no chain of table nat drop (policy of `{chain.name}`)")
    return Place(table, name)


ABSENT: dict[str, Direction] = {"PREROUTING": Direction.OUT, "INPUT": Direction.OUT, "OUTPUT": Direction.IN}
"""Interfaces that no packet has in a built-in chain; the tools accept no match of them there."""


def check_verdict(verdict: Verdict | None, places: frozenset[Place]) -> None:
    """Whether a verdict may stand in a chain that is reached from ``places``.

    Raises:
        Refused: the kernel or the tools would not load it.
    """
    for at in sorted(places, key=lambda one: (one.table, one.chain)):
        match verdict:
            case Reject() if at.table != "filter":
                raise Refused("reject-table", f"iptables rejects in table filter only, and this stands in {at.table}")
            case Drop() if at.table == "nat":
                raise Refused("nat-drop", "iptables drops nothing in table nat")
            case Nat(kind) if at.table != "nat" or at.chain not in HOOKS[kind]:
                raise Refused("nat-place", f"iptables has no {kind.value} in {at.chain} of table {at.table}")
            case _:
                pass
