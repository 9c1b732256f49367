"""``-m hl``: the hop limit of IPv6 (net/netfilter/xt_hl.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.matches.ttl import compared
from polc.importers.iptables.saved import decimal
from polc.ir.family import Family
from polc.ir.fields import Field


def _read(options: Options, _context: Context) -> Meaning:
    return compared(options, "hl", Field.HOPLIMIT)


MATCH = MatchExtension(
    "hl",
    (
        Option("hl-eq", negatable=True, saved=decimal),
        Option("hl-lt", saved=decimal),
        Option("hl-gt", saved=decimal),
    ),
    families=frozenset({Family.IP6}),
    read=_read,
)
