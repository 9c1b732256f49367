"""``SNAT``, ``DNAT``, ``MASQUERADE`` and ``REDIRECT`` (iptables-extensions(8))."""

from __future__ import annotations

from polc.backends.iptables.extensions.words import Refused
from polc.ir.addresses import format_address
from polc.ir.family import Family
from polc.ir.verdicts import Nat, NatKind

_ADDRESS_OPTIONS = {NatKind.SNAT: "-j SNAT --to-source", NatKind.DNAT: "-j DNAT --to-destination"}
_PORT_OPTIONS = {NatKind.MASQUERADE: "-j MASQUERADE", NatKind.REDIRECT: "-j REDIRECT"}

HOOKS: dict[NatKind, frozenset[str]] = {
    NatKind.SNAT: frozenset({"POSTROUTING", "INPUT"}),
    NatKind.DNAT: frozenset({"PREROUTING", "OUTPUT"}),
    NatKind.MASQUERADE: frozenset({"POSTROUTING"}),
    NatKind.REDIRECT: frozenset({"PREROUTING", "OUTPUT"}),
}
"""Chains of table nat in which the kernel lets each target stand (xt_nat.c, xt_MASQUERADE.c, xt_REDIRECT.c)."""


def target(verdict: Nat, family: Family) -> str:
    ports = "" if verdict.ports is None else "-".join(dict.fromkeys(map(str, verdict.ports.ranges[0])))
    if verdict.kind in _PORT_OPTIONS:
        return _PORT_OPTIONS[verdict.kind] + (f" --to-ports {ports}" if ports else "")
    if verdict.addresses is None and not ports:
        raise Refused("nat-target", f"{verdict.kind.value} needs a new address or port")
    return f"{_ADDRESS_OPTIONS[verdict.kind]} {_addresses(verdict, family, bool(ports))}{f':{ports}' if ports else ''}"


def _addresses(verdict: Nat, family: Family, with_ports: bool) -> str:
    if verdict.addresses is None:
        return ""
    ends = dict.fromkeys(format_address(family, number) for number in verdict.addresses.ranges[0])
    # A port needs brackets round an IPv6 address, and round each end of a range none.
    text = "-".join(ends)
    return f"[{text}]" if family is Family.IP6 and with_ports else text
