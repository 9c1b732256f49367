"""``-j NOTRACK``: ``-j CT --notrack`` (net/netfilter/xt_CT.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Options, TargetExtension
from polc.ir.statements import Notrack


def _read(_options: Options, _context: Context) -> Action:
    return Action((Notrack(),))


TARGET = TargetExtension("NOTRACK", (), tables=frozenset({"raw"}), read=_read)
