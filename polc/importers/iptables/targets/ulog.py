"""``-j ULOG``: what NFLOG was before it (net/ipv4/netfilter/ipt_ULOG.c, until Linux 3.16)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.values import number
from polc.ir.family import Family

_HIGHEST = {"ulog-nlgroup": 32, "ulog-cprange": 0xFFFFFFFF, "ulog-qthreshold": 50}


def _read(options: Options, _context: Context) -> Action:
    for given in options:
        if given.option.name in _HIGHEST:
            number(given.word, 0, _HIGHEST[given.option.name])
    return options.opaque_action("no Linux since 3.17 has it: `-j NFLOG` took its place")


TARGET = TargetExtension(
    "ULOG",
    (Option("ulog-prefix", text=True), *(Option(name) for name in _HIGHEST)),
    families=frozenset({Family.IP}),
    read=_read,
)
