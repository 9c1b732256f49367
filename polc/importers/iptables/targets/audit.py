"""``-j AUDIT``: a record for the audit daemon (net/netfilter/xt_AUDIT.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.values import choice


def _read(options: Options, _context: Context) -> Action:
    choice(options.need("type").word, {"accept": "", "drop": "", "reject": ""}, "type of a record")
    return options.opaque_action("nft writes such records with a level of its log, without the type")


TARGET = TargetExtension("AUDIT", (Option("type"),), read=_read)
