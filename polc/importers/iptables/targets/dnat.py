"""``-j DNAT``: new destination addresses (net/netfilter/xt_nat.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.problem import Word, wrong
from polc.importers.iptables.targets.nat import target
from polc.importers.iptables.values import port
from polc.ir.verdicts import Nat, NatKind


def _read(options: Options, context: Context) -> Action:
    word = options.need("to-destination").word
    addresses, ports, base = target(word, context)
    if base:
        number = port(Word(base, word.at))
        if not number:
            raise wrong(word, "the base of shifted ports is 1 to 65535")
        # A service by its name is another port, or none, on another host.
        words = options.text().replace(word.text, f"{word.text.removesuffix(base)}{number}")
        return options.opaque_action("it shifts ports by their distance from a base, which nft does not", words)
    verdict = Nat(
        NatKind.DNAT,
        context.family if addresses else None,
        addresses,
        ports,
        "random" in options,
        "persistent" in options,
    )
    return Action(verdict=verdict)


TARGET = TargetExtension(
    "DNAT",
    (Option("to-destination"), *(Option(name, takes=0) for name in ("random", "persistent"))),
    chains=frozenset({"PREROUTING", "OUTPUT"}),
    tables=frozenset({"nat"}),
    read=_read,
)
