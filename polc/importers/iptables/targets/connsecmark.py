"""``-j CONNSECMARK``: security labels between packets and flows (net/netfilter/xt_CONNSECMARK.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension


def _read(options: Options, _context: Context) -> Action:
    options.need("save", "restore")
    return options.opaque_action("polc knows no security labels")


TARGET = TargetExtension(
    "CONNSECMARK",
    (Option("save", takes=0), Option("restore", takes=0)),
    tables=frozenset({"mangle", "security"}),
    read=_read,
)
