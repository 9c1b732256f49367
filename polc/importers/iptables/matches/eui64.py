"""``-m eui64``: the address is made from the sender's MAC address (net/ipv6/netfilter/ip6t_eui64.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Options
from polc.ir.family import Family


def _read(options: Options, _context: Context) -> Meaning:
    return Meaning((options.opaque("nft cannot compare an address with the MAC address of its sender"),))


MATCH = MatchExtension(
    "eui64",
    (),
    families=frozenset({Family.IP6}),
    chains=frozenset({"PREROUTING", "INPUT", "FORWARD"}),
    read=_read,
)
