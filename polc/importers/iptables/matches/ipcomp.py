"""``-m ipcomp``: the index of compressed payload (net/netfilter/xt_ipcomp.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.values import number_range

_IPCOMP = 108


def _read(options: Options, _context: Context) -> Meaning:
    if given := options.get("ipcompspi"):
        number_range(given.word, 0xFFFFFFFF, "index")
    return Meaning((options.opaque("polc knows no header of compressed payload"),))


MATCH = MatchExtension(
    "ipcomp",
    (Option("ipcompspi", negatable=True), Option("compres", takes=0)),
    protocols=frozenset({_IPCOMP}),
    read=_read,
)
