"""``-j DSCP``: a new code point (net/netfilter/xt_DSCP.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.matches.dscp import code_point
from polc.ir.statements import SetDscp


def _read(options: Options, _context: Context) -> Action:
    return Action((SetDscp(code_point(options.need("set-dscp", "set-dscp-class"))),))


TARGET = TargetExtension(
    "DSCP", (Option("set-dscp"), Option("set-dscp-class")), tables=frozenset({"mangle"}), read=_read
)
