"""``-m mark``: the mark of the packet (net/netfilter/xt_mark.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, Given, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.saved import masked_mark
from polc.importers.iptables.values import mark
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch

_ALL = 0xFFFFFFFF


def masked(field: Field, given: Given) -> FieldMatch:
    """A field of 32 bits against a value under a mask; a value with bits outside it is never met, and stays so."""
    value, mask = mark(given.word)
    return FieldMatch(field, Intervals.single(value), None if mask == _ALL else mask, given.negated)


def _read(options: Options, _context: Context) -> Meaning:
    return Meaning((masked(Field.META_MARK, options.need("mark")),))


MATCH = MatchExtension("mark", (Option("mark", negatable=True, saved=masked_mark),), read=_read)
