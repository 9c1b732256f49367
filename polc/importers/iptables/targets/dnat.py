"""``-j DNAT``: new destination addresses (net/netfilter/xt_nat.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.problem import Word, wrong
from polc.importers.iptables.saved import spelled, with_values
from polc.importers.iptables.targets.nat import target
from polc.importers.iptables.values import port
from polc.ir.addresses import format_address
from polc.ir.family import Family
from polc.ir.protocols import TCP
from polc.ir.verdicts import Nat, NatKind


def _read(options: Options, context: Context) -> Action:
    word = options.need("to-destination").word
    addresses, ports, base = target(word, context)
    if base:
        if not port(Word(base, word.at)):
            raise wrong(word, "the base of shifted ports is 1 to 65535")
        return options.opaque_action("it shifts ports by their distance from a base, which nft does not")
    verdict = Nat(
        NatKind.DNAT,
        context.family if addresses else None,
        addresses,
        ports,
        "random" in options,
        "persistent" in options,
    )
    return Action(verdict=verdict)


def _saved(word: Word) -> str:
    """A service by its name is another port, or none, on another host: it is a number here."""
    # Ports stand behind a colon: an address of IPv6 beside them is in brackets.
    family = Family.IP6 if word.text.startswith("[") else Family.IP
    addresses, ports, base = target(word, Context(family, TCP))
    if not base or ports is None:
        return word.text
    ends = addresses.ranges[0] if addresses else ()
    text = "-".join(dict.fromkeys(format_address(family, one) for one in ends))
    text = f"[{text}]" if ":" in text else text
    return f"{text}:{spelled(*ports.ranges[0], '-')}/{port(Word(base, word.at))}"


TARGET = TargetExtension(
    "DNAT",
    (
        Option("to-destination", saved=with_values(_saved)),
        *(Option(name, takes=0) for name in ("random", "persistent")),
    ),
    chains=frozenset({"PREROUTING", "OUTPUT"}),
    tables=frozenset({"nat"}),
    read=_read,
)
