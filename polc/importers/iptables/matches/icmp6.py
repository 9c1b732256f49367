"""``-m icmp6``: types and codes of ICMPv6 (net/ipv6/netfilter/ip6_tables.c, icmp6_match; names of libxt_icmp.h)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.matches.icmp import icmp_type, types_as_saved
from polc.ir.family import Family
from polc.ir.protocols import ICMPV6

_NAMES: dict[str, tuple[int, int | None]] = {
    "destination-unreachable": (1, None), "no-route": (1, 0), "communication-prohibited": (1, 1),
    "beyond-scope": (1, 2), "address-unreachable": (1, 3), "port-unreachable": (1, 4), "failed-policy": (1, 5),
    "reject-route": (1, 6),
    "packet-too-big": (2, None),
    "time-exceeded": (3, None), "ttl-exceeded": (3, None), "ttl-zero-during-transit": (3, 0),
    "ttl-zero-during-reassembly": (3, 1),
    "parameter-problem": (4, None), "bad-header": (4, 0), "unknown-header-type": (4, 1), "unknown-option": (4, 2),
    "echo-request": (128, None), "ping": (128, None), "echo-reply": (129, None), "pong": (129, None),
    "mld-listener-query": (130, None), "mld-listener-report": (131, None), "mld-listener-done": (132, None),
    "mld-listener-reduction": (132, None),
    "router-solicitation": (133, None), "router-advertisement": (134, None),
    "neighbour-solicitation": (135, None), "neighbor-solicitation": (135, None),
    "neighbour-advertisement": (136, None), "neighbor-advertisement": (136, None),
    "redirect": (137, None),
}  # fmt: skip


def _read(options: Options, _context: Context) -> Meaning:
    return Meaning(transport=(icmp_type(options.need("icmpv6-type"), _NAMES),))


MATCH = MatchExtension(
    "icmp6",
    (Option("icmpv6-type", negatable=True, saved=lambda given: types_as_saved(given, _NAMES)),),
    families=frozenset({Family.IP6}),
    protocols=frozenset({ICMPV6}),
    read=_read,
)
