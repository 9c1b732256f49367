"""``-j HL``: a new hop limit (net/netfilter/xt_HL.c, hl_tg6)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Options, TargetExtension
from polc.importers.iptables.targets.ttl import hop_options, hops
from polc.ir.family import Family


def _read(options: Options, _context: Context) -> Action:
    return hops(options, "hl")


TARGET = TargetExtension(
    "HL", hop_options("hl"), families=frozenset({Family.IP6}), tables=frozenset({"mangle"}), read=_read
)
