"""``-j AUDIT``: a record for the audit daemon (net/netfilter/xt_AUDIT.c)."""

from __future__ import annotations

from json import dumps

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.saved import lowered
from polc.importers.iptables.values import choice
from polc.ir.matches import NftWords, Syntax
from polc.ir.statements import Omission, OpaqueStatement


def _read(options: Options, _context: Context) -> Action:
    choice(options.need("type").word, {"accept": "", "drop": "", "reject": ""}, "type of a record")
    reason = "nft writes such records with a level of its log, without the type"
    return Action((OpaqueStatement(options.text(), Syntax.IPTABLES, reason, _UNTYPED),))


_UNTYPED = Omission(
    "audit-untyped",
    "the audit daemon gets a record of the packet by `log level audit`, which does not say whether it was accepted, "
    "dropped or rejected",
    NftWords("log level audit", dumps([{"log": {"level": "audit"}}])),
)


TARGET = TargetExtension("AUDIT", (Option("type", saved=lowered),), read=_read)
