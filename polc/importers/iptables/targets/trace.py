"""``-j TRACE``: the kernel reports the packet's way (net/netfilter/xt_TRACE.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Options, TargetExtension
from polc.ir.statements import Trace


def _read(_options: Options, _context: Context) -> Action:
    return Action((Trace(),))


TARGET = TargetExtension("TRACE", (), tables=frozenset({"raw"}), read=_read)
