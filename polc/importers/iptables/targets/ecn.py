"""``-j ECN``: takes congestion bits off TCP headers (net/ipv4/netfilter/ipt_ECN.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.problem import APART, Problem
from polc.importers.iptables.saved import decimal
from polc.importers.iptables.values import number
from polc.ir.family import Family
from polc.ir.protocols import TCP

_BITS = {"ecn-tcp-ece": 1, "ecn-tcp-cwr": 1, "ecn-ip-ect": 3}


def _read(options: Options, context: Context) -> Action:
    if not options.given:
        raise Problem(APART, "`-j ECN` needs `--ecn-tcp-remove`", options.at)
    for given in options:
        if given.option.name in _BITS:
            number(given.word, 0, _BITS[given.option.name])
        if given.option.name != "ecn-ip-ect" and context.protocol != TCP:
            raise Problem(APART, f"`{given.option.shown}` needs `-p tcp`", given.at)
    return options.opaque_action("polc changes no flags of TCP headers")


TARGET = TargetExtension(
    "ECN",
    (Option("ecn-tcp-remove", takes=0), *(Option(name, saved=decimal) for name in _BITS)),
    families=frozenset({Family.IP}),
    tables=frozenset({"mangle"}),
    read=_read,
)
