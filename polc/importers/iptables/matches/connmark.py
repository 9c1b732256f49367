"""``-m connmark``: the mark of the flow (net/netfilter/xt_connmark.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.matches.mark import masked
from polc.importers.iptables.saved import masked_mark
from polc.ir.fields import Field


def _read(options: Options, _context: Context) -> Meaning:
    return Meaning((masked(Field.CT_MARK, options.need("mark")),))


MATCH = MatchExtension("connmark", (Option("mark", negatable=True, saved=masked_mark),), read=_read)
