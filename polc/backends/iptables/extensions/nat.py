"""``SNAT``, ``DNAT``, ``MASQUERADE``, ``REDIRECT`` and ``NETMAP`` (iptables-extensions(8))."""

from __future__ import annotations

from polc.backends.iptables.extensions.words import Refused
from polc.ir.addresses import format_address, prefix_length
from polc.ir.family import Family
from polc.ir.verdicts import Nat, NatKind

_ADDRESS_OPTIONS = {NatKind.SNAT: "-j SNAT --to-source", NatKind.DNAT: "-j DNAT --to-destination"}
_PORT_OPTIONS = {NatKind.MASQUERADE: "-j MASQUERADE", NatKind.REDIRECT: "-j REDIRECT"}

HOOKS: dict[NatKind, frozenset[str]] = {
    NatKind.SNAT: frozenset({"POSTROUTING", "INPUT"}),
    NatKind.DNAT: frozenset({"PREROUTING", "OUTPUT"}),
    NatKind.MASQUERADE: frozenset({"POSTROUTING"}),
    NatKind.REDIRECT: frozenset({"PREROUTING", "OUTPUT"}),
    NatKind.NETMAP_SOURCE: frozenset({"POSTROUTING", "INPUT"}),
    NatKind.NETMAP_DESTINATION: frozenset({"PREROUTING", "OUTPUT"}),
}
"""Chains of table nat in which the kernel lets each target stand (xt_nat.c, xt_MASQUERADE.c, xt_REDIRECT.c)."""


_FULLY_RANDOM = frozenset({NatKind.SNAT, NatKind.MASQUERADE, NatKind.NETMAP_SOURCE})
_NETMAP = frozenset({NatKind.NETMAP_SOURCE, NatKind.NETMAP_DESTINATION})


def target(verdict: Nat, family: Family) -> str:
    if verdict.fully_random and verdict.kind not in _FULLY_RANDOM:
        raise Refused("nat-flags", f"iptables' {verdict.kind.value} has no `fully-random`", "leave it out")
    flags = "".join(
        f" --{name}"
        for name, given in (
            ("random", verdict.random),
            ("random-fully", verdict.fully_random),
            ("persistent", verdict.persistent),
        )
        if given
    )
    if verdict.kind in _NETMAP:
        return _netmap(verdict, family, flags)
    if verdict.persistent and verdict.kind in _PORT_OPTIONS:
        raise Refused("nat-flags", f"iptables' {verdict.kind.value} has no `persistent`", "leave it out")
    if verdict.addresses is not None and len(verdict.addresses.ranges) > 1:
        raise Refused("nat-targets", "iptables takes one range of new addresses", "write one range, or several rules")
    return _plain(verdict, family) + flags


def _netmap(verdict: Nat, family: Family, flags: str) -> str:
    ranges = verdict.addresses.ranges if verdict.addresses is not None else ()
    length = prefix_length(family, *ranges[0]) if len(ranges) == 1 else None
    if length is None or flags or verdict.ports is not None:
        raise Refused("netmap", "iptables maps one prefix to one prefix, without ports and flags")
    return f"-j NETMAP --to {format_address(family, ranges[0][0])}/{length}"


def _plain(verdict: Nat, family: Family) -> str:
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
