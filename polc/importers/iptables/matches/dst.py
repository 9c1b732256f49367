"""``-m dst``: the destination options of IPv6 (net/ipv6/netfilter/ip6t_hbh.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.matches.exthdr import present_or_opaque
from polc.importers.iptables.matches.hbh import inside, kinds
from polc.importers.iptables.saved import decimal
from polc.ir.family import Family
from polc.ir.matches import ExtensionHeader


def _read(options: Options, _context: Context) -> Meaning:
    return present_or_opaque(options, ExtensionHeader.DST, inside(options, "dst"))


MATCH = MatchExtension(
    "dst",
    (Option("dst-len", negatable=True, saved=decimal), Option("dst-opts", saved=kinds)),
    families=frozenset({Family.IP6}),
    read=_read,
)
