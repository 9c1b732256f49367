"""``-m tcpmss``: the MSS option of TCP (net/netfilter/xt_tcpmss.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.saved import number_range as number_range_as_saved
from polc.importers.iptables.values import number_range
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch
from polc.ir.protocols import TCP

_HIGHEST = 0xFFFF


def _read(options: Options, _context: Context) -> Meaning:
    given = options.need("mss")
    match = FieldMatch(Field.TCP_MSS, Intervals((number_range(given.word, _HIGHEST, "MSS"),)))
    # `!` holds for segments without the option, too.
    return Meaning(unless=(match,)) if given.negated else Meaning((match,))


MATCH = MatchExtension(
    "tcpmss",
    (Option("mss", negatable=True, saved=number_range_as_saved(_HIGHEST)),),
    protocols=frozenset({TCP}),
    read=_read,
)
