"""``-m iprange``: ranges of addresses that are no prefixes (net/netfilter/xt_iprange.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import APART, Problem
from polc.importers.iptables.saved import range_of_addresses
from polc.importers.iptables.values import address_range
from polc.ir.addresses import AddressSet
from polc.ir.matches import AddressMatch, Side

_SIDES = {"src-range": Side.SADDR, "dst-range": Side.DADDR}


def _read(options: Options, context: Context) -> Meaning:
    if not options.given:
        raise Problem(APART, "`-m iprange` needs `--src-range` or `--dst-range`", options.at)
    matches = []
    for given in options:
        low, high = address_range(given.word, context.family)
        if low <= high:
            addresses = AddressSet.of([(context.family, low, high)])
            matches.append(AddressMatch(_SIDES[given.option.name], addresses, given.negated))
        elif not given.negated:
            # The kernel takes a range that is the wrong way round, and nothing is in it.
            return Meaning(never=True)
    return Meaning(tuple(matches))


MATCH = MatchExtension(
    "iprange",
    (
        Option("src-range", negatable=True, saved=range_of_addresses),
        Option("dst-range", negatable=True, saved=range_of_addresses),
    ),
    read=_read,
)
