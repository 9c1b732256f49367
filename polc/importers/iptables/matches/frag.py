"""``-m frag``: the fragment header of IPv6 (net/ipv6/netfilter/ip6t_frag.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.in_nft import Ask
from polc.importers.iptables.matches.exthdr import present_or_opaque
from polc.importers.iptables.saved import decimal, index
from polc.importers.iptables.values import number, number_range
from polc.ir.family import Family
from polc.ir.matches import ExtensionHeader


def _read(options: Options, _context: Context) -> Meaning:
    options.among("fragmore", "fraglast")
    inside: list[Ask | bool | None] = []
    if given := options.get("fragid"):
        inside.append(Ask("frag", "id", *number_range(given.word, 0xFFFFFFFF), given.negated))
    if given := options.get("fraglen"):
        number(given.word, 0, 0xFFFFFFFF, "length")
        inside.append(None)
    for name, asked in _FLAGS.items():
        inside += asked if name in options else ()
    return present_or_opaque(options, ExtensionHeader.FRAG, inside)


_FLAGS = {
    "fragres": (Ask("frag", "reserved", 0, 0), Ask("frag", "reserved2", 0, 0)),
    "fragfirst": (Ask("frag", "frag-off", 0, 0),),
    "fragmore": (Ask("frag", "more-fragments", 1, 1),),
    "fraglast": (Ask("frag", "more-fragments", 0, 0),),
}


MATCH = MatchExtension(
    "frag",
    (
        Option("fragid", negatable=True, saved=index),
        Option("fraglen", negatable=True, saved=decimal),
        Option("fragres", takes=0),
        Option("fragfirst", takes=0),
        Option("fragmore", takes=0),
        Option("fraglast", takes=0),
    ),
    families=frozenset({Family.IP6}),
    read=_read,
)
