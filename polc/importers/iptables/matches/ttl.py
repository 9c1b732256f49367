"""``-m ttl``: the TTL of IPv4 (net/netfilter/xt_hl.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.saved import decimal
from polc.importers.iptables.values import number
from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch


def compared(options: Options, prefix: str, field: Field) -> Meaning:
    """One of ``-eq``, ``-lt`` and ``-gt``, of a byte."""
    given = options.need(f"{prefix}-eq", f"{prefix}-lt", f"{prefix}-gt")
    value = number(given.word, 0, 255)
    low, high = {"eq": (value, value), "lt": (0, value - 1), "gt": (value + 1, 255)}[given.option.name[-2:]]
    if low > high:
        return Meaning(never=True)
    return Meaning((FieldMatch(field, Intervals(((low, high),)), None, given.negated),))


def _read(options: Options, _context: Context) -> Meaning:
    return compared(options, "ttl", Field.TTL)


MATCH = MatchExtension(
    "ttl",
    (
        Option("ttl-eq", ("ttl",), negatable=True, saved=decimal),
        Option("ttl-lt", saved=decimal),
        Option("ttl-gt", saved=decimal),
    ),
    families=frozenset({Family.IP}),
    read=_read,
)
