"""``-m rpfilter``: whether answers would leave where the packet came in (net/ipv4/netfilter/ipt_rpfilter.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.in_nft import way_back
from polc.ir.matches import ReversePathMatch


def _read(options: Options, _context: Context) -> Meaning:
    if "accept-local" in options:
        return Meaning((options.opaque("neither polc's test nor nft's lets the host's own addresses pass"),))
    if "validmark" in options:
        flags = ("saddr", "mark") if "loose" in options else ("saddr", "mark", "iif")
        nft = way_back(flags, passes="invert" not in options)
        return Meaning((options.opaque("polc's test does not look at marks", nft=nft),))
    return Meaning((ReversePathMatch("loose" in options, "invert" not in options),))


MATCH = MatchExtension(
    "rpfilter",
    tuple(Option(name, takes=0) for name in ("loose", "validmark", "accept-local", "invert")),
    chains=frozenset({"PREROUTING"}),
    tables=frozenset({"raw", "mangle"}),
    read=_read,
)
