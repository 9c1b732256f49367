"""``-j REDIRECT``: to the host itself (net/netfilter/xt_REDIRECT.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.targets.nat import need_protocol, ports
from polc.ir.verdicts import Nat, NatKind


def _read(options: Options, context: Context) -> Action:
    found = None
    if given := options.get("to-ports"):
        need_protocol(given.word, context)
        found = ports(given.word)
    return Action(verdict=Nat(NatKind.REDIRECT, ports=found, random="random" in options))


TARGET = TargetExtension(
    "REDIRECT",
    (Option("to-ports"), Option("random", takes=0)),
    chains=frozenset({"PREROUTING", "OUTPUT"}),
    tables=frozenset({"nat"}),
    read=_read,
)
