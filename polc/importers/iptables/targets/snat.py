"""``-j SNAT``: new source addresses (net/netfilter/xt_nat.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.problem import wrong
from polc.importers.iptables.targets.nat import target
from polc.ir.verdicts import Nat, NatKind


def _read(options: Options, context: Context) -> Action:
    word = options.need("to-source").word
    addresses, ports, base = target(word, context)
    if base:
        raise wrong(word, "only DNAT shifts ports")
    verdict = Nat(
        NatKind.SNAT,
        context.family if addresses else None,
        addresses,
        ports,
        "random" in options,
        "persistent" in options,
        "random-fully" in options,
    )
    return Action(verdict=verdict)


TARGET = TargetExtension(
    "SNAT",
    (Option("to-source"), *(Option(name, takes=0) for name in ("random", "random-fully", "persistent"))),
    chains=frozenset({"INPUT", "POSTROUTING"}),
    tables=frozenset({"nat"}),
    read=_read,
)
