"""``-m nfacct``: counters that nfacct(8) makes (net/netfilter/xt_nfacct.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import wrong

_LONGEST = 31


def _read(options: Options, _context: Context) -> Meaning:
    word = options.need("nfacct-name").word
    if not 0 < len(word.text) <= _LONGEST:
        raise wrong(word, f"`{word.text}` is no name of an accounting object: those have 1 to {_LONGEST} letters")
    return Meaning((options.opaque("the object is made by nfacct(8), and nft has no part in it"),))


MATCH = MatchExtension("nfacct", (Option("nfacct-name"),), read=_read)
