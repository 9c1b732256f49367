"""``-m length``: the packet's length with its IP header (net/netfilter/xt_length.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.saved import number_range
from polc.importers.iptables.values import number_ends
from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch

_HIGHEST = 0xFFFF


def _read(options: Options, context: Context) -> Meaning:
    given = options.need("length")
    low, high = number_ends(given.word, _HIGHEST, "length")
    if low > high:
        # The kernel takes it, and no length is in it.
        return Meaning(never=not given.negated)
    # Of IPv6 a packet may be longer, by its header.
    never = given.negated and (low, high) == (0, _HIGHEST) and context.family is Family.IP
    match = FieldMatch(Field.META_LENGTH, Intervals(((low, high),)), None, given.negated)
    return Meaning(never=True) if never else Meaning((match,))


MATCH = MatchExtension("length", (Option("length", negatable=True, saved=number_range(_HIGHEST)),), read=_read)
