"""``-j TCPMSS``: lowers the MSS of a SYN (net/netfilter/xt_TCPMSS.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.values import number
from polc.ir.family import Family
from polc.ir.protocols import TCP
from polc.ir.statements import ClampMss

_HEADERS = {Family.IP: 40, Family.IP6: 60}


def _read(options: Options, context: Context) -> Action:
    given = options.need("set-mss", "clamp-mss-to-pmtu")
    if given.option.name == "clamp-mss-to-pmtu":
        return Action((ClampMss(),))
    return Action((ClampMss(number(given.word, 0, 0xFFFF - _HEADERS[context.family], "MSS")),))


TARGET = TargetExtension(
    "TCPMSS",
    (Option("set-mss"), Option("clamp-mss-to-pmtu", takes=0)),
    protocols=frozenset({TCP}),
    read=_read,
)
