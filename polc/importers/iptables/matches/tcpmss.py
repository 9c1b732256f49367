"""``-m tcpmss``: the MSS option of TCP (net/netfilter/xt_tcpmss.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.values import number_range
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch
from polc.ir.protocols import TCP


def _read(options: Options, _context: Context) -> Meaning:
    given = options.need("mss")
    match = FieldMatch(Field.TCP_MSS, Intervals((number_range(given.word, 0xFFFF, "MSS"),)))
    # `!` holds for segments without the option, too.
    return Meaning(unless=(match,)) if given.negated else Meaning((match,))


MATCH = MatchExtension("tcpmss", (Option("mss", negatable=True),), protocols=frozenset({TCP}), read=_read)
