"""``-m physdev``: ports of a bridge (net/netfilter/xt_physdev.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import APART, Problem
from polc.importers.iptables.values import interface


def _read(options: Options, _context: Context) -> Meaning:
    if not options.given:
        raise Problem(APART, "`-m physdev` needs an option such as `--physdev-in`", options.at)
    for name in ("physdev-in", "physdev-out"):
        if given := options.get(name):
            interface(given.word)
    return Meaning((options.opaque("tables of IP see no ports of a bridge in nft: a table of family bridge does"),))


MATCH = MatchExtension(
    "physdev",
    (
        Option("physdev-is-in", takes=0, negatable=True),
        Option("physdev-in", negatable=True),
        Option("physdev-is-out", takes=0, negatable=True),
        Option("physdev-out", negatable=True),
        Option("physdev-is-bridged", takes=0, negatable=True),
    ),
    read=_read,
)
