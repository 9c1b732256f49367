"""``-j SNPT``: source prefixes of IPv6, translated without state (net/ipv6/netfilter/ip6t_NPT.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Options, TargetExtension
from polc.importers.iptables.targets.dnpt import OPTIONS, REASON, check_prefixes
from polc.ir.family import Family


def _read(options: Options, _context: Context) -> Action:
    check_prefixes(options)
    return options.opaque_action(REASON)


TARGET = TargetExtension(
    "SNPT",
    OPTIONS,
    families=frozenset({Family.IP6}),
    chains=frozenset({"INPUT", "POSTROUTING"}),
    tables=frozenset({"mangle"}),
    read=_read,
)
