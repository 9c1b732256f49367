"""``-m quota``: bytes that may pass once (net/netfilter/xt_quota.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.values import number
from polc.ir.stateful import Quota


def _read(options: Options, _context: Context) -> Meaning:
    given = options.need("quota")
    return Meaning((Quota(number(given.word, 0, 2**64 - 1), given.negated, ""),))


MATCH = MatchExtension("quota", (Option("quota", negatable=True),), read=_read)
