"""``-m ipcomp``: the index of compressed payload (net/netfilter/xt_ipcomp.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.in_nft import Ask, asks
from polc.importers.iptables.saved import number_range as number_range_as_saved
from polc.importers.iptables.values import number_range

_IPCOMP = 108
_MOST = 0xFFFFFFFF
_HIGHEST = 0xFFFF  # RFC 3173, 3.3


def _read(options: Options, _context: Context) -> Meaning:
    nft = None
    if given := options.get("ipcompspi"):
        low, high = number_range(given.word, _MOST, "index")
        if high <= _HIGHEST and "compres" not in options:
            nft = asks(Ask("comp", "cpi", low, high, given.negated, payload=True))
    return Meaning((options.opaque("polc knows no header of compressed payload", nft=nft),))


MATCH = MatchExtension(
    "ipcomp",
    (Option("ipcompspi", negatable=True, saved=number_range_as_saved(_MOST)), Option("compres", takes=0)),
    protocols=frozenset({_IPCOMP}),
    read=_read,
)
