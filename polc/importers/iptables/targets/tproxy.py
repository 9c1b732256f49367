"""``-j TPROXY``: to a local transparent socket (net/netfilter/xt_TPROXY.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.values import host, mark, number
from polc.ir.protocols import TCP, UDP
from polc.ir.statements import MarkField, SetMark, Statement, Tproxy
from polc.ir.verdicts import Accept


def _read(options: Options, context: Context) -> Action:
    port = number(options.need("on-port").word, 0, 0xFFFF, "port")
    to = host(given.word, context.family) if (given := options.get("on-ip")) else 0
    statements: list[Statement] = []
    if marked := options.get("tproxy-mark"):
        value, mask = mark(marked.word)
        mask = 0xFFFFFFFF if mask is None else mask
        if value or mask:
            # The kernel marks the packet once it has found the socket; where there is none, the packet is no more.
            statements.append(SetMark(MarkField.META, value, mask))
    statements.append(Tproxy(port or None, context.family if to else None, to or None))
    return Action(tuple(statements), Accept())


TARGET = TargetExtension(
    "TPROXY",
    (Option("on-port"), Option("on-ip"), Option("tproxy-mark")),
    protocols=frozenset({TCP, UDP}),
    chains=frozenset({"PREROUTING"}),
    tables=frozenset({"mangle"}),
    read=_read,
)
