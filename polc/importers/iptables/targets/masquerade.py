"""``-j MASQUERADE``: the address of the interface that the packet leaves by (net/netfilter/xt_MASQUERADE.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.targets.nat import need_protocol, ports
from polc.ir.verdicts import Nat, NatKind


def _read(options: Options, context: Context) -> Action:
    found = None
    if given := options.get("to-ports"):
        need_protocol(given.word, context)
        found = ports(given.word, names=False)
    return Action(
        verdict=Nat(NatKind.MASQUERADE, ports=found, random="random" in options, fully_random="random-fully" in options)
    )


TARGET = TargetExtension(
    "MASQUERADE",
    (Option("to-ports"), Option("random", takes=0), Option("random-fully", takes=0)),
    chains=frozenset({"POSTROUTING"}),
    tables=frozenset({"nat"}),
    read=_read,
)
