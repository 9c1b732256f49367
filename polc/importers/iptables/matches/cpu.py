"""``-m cpu``: the processor that handles the packet (net/netfilter/xt_cpu.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.saved import decimal
from polc.importers.iptables.values import number
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch


def _read(options: Options, _context: Context) -> Meaning:
    given = options.need("cpu")
    value = number(given.word, 0, 0xFFFFFFFF, "processor")
    return Meaning((FieldMatch(Field.META_CPU, Intervals.single(value), None, given.negated),))


MATCH = MatchExtension("cpu", (Option("cpu", negatable=True, saved=decimal),), read=_read)
