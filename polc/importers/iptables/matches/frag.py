"""``-m frag``: the fragment header of IPv6 (net/ipv6/netfilter/ip6t_frag.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.matches.exthdr import present_or_opaque
from polc.importers.iptables.values import number, number_range
from polc.ir.family import Family
from polc.ir.matches import ExtensionHeader


def _read(options: Options, _context: Context) -> Meaning:
    options.among("fragmore", "fraglast")
    if given := options.get("fragid"):
        number_range(given.word, 0xFFFFFFFF)
    if given := options.get("fraglen"):
        number(given.word, 0, 0xFFFFFFFF, "length")
    return present_or_opaque(options, ExtensionHeader.FRAG)


MATCH = MatchExtension(
    "frag",
    (
        Option("fragid", negatable=True),
        Option("fraglen", negatable=True),
        Option("fragres", takes=0),
        Option("fragfirst", takes=0),
        Option("fragmore", takes=0),
        Option("fraglast", takes=0),
    ),
    families=frozenset({Family.IP6}),
    read=_read,
)
