"""``-m pkttype``: to whom the frame was sent (net/netfilter/xt_pkttype.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import Word
from polc.importers.iptables.saved import with_values
from polc.importers.iptables.values import choice
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch

_TYPES = {
    # libxt_pkttype.c; iptables-save has the first name of each
    "unicast": 0, "broadcast": 1, "multicast": 2, "host": 0, "bcast": 1, "mcast": 2, "otherhost": 3,
}  # fmt: skip


def _read(options: Options, _context: Context) -> Meaning:
    given = options.need("pkt-type")
    value = _TYPES[choice(given.word, _TYPES, "type of a packet")]
    return Meaning((FieldMatch(Field.META_PKTTYPE, Intervals.single(value), None, given.negated),))


def _saved(word: Word) -> str:
    value = _TYPES[choice(word, _TYPES, "type of a packet")]
    return next(name for name, one in _TYPES.items() if one == value)


MATCH = MatchExtension("pkttype", (Option("pkt-type", negatable=True, saved=with_values(_saved)),), read=_read)
