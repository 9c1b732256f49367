"""``-m rt``: the routing header of IPv6 (net/ipv6/netfilter/ip6t_rt.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.in_nft import Ask
from polc.importers.iptables.matches.exthdr import header_length, present_or_opaque
from polc.importers.iptables.problem import APART, Problem
from polc.importers.iptables.saved import addresses, decimal, index
from polc.importers.iptables.values import address, listed, number, number_range
from polc.ir.family import Family
from polc.ir.matches import ExtensionHeader

_HIGHEST = 255  # a byte each (RFC 8200, 4.4)
_TYPE_ZERO = ("rt-0-res", "rt-0-addrs", "rt-0-not-strict")


def _read(options: Options, context: Context) -> Meaning:
    kind = options.get("rt-type")
    value = number(kind.word, 0, 0xFFFFFFFF, "type") if kind else None
    inside: list[Ask | bool | None] = []
    if kind and value is not None:
        inside.append(Ask("rt", "type", value, value, kind.negated) if value <= _HIGHEST else kind.negated)
    if given := options.get("rt-segsleft"):
        low, high = number_range(given.word, 0xFFFFFFFF)
        known = Ask("rt", "seg-left", low, min(high, _HIGHEST), given.negated)
        inside.append(known if low <= _HIGHEST else given.negated)
    if given := options.get("rt-len"):
        inside.append(header_length(given, "rt", number(given.word, 0, 0xFFFFFFFF, "length")))
    if given := options.get("rt-0-addrs"):
        for one in listed(given.word):
            address(one, context.family)
    for name in _TYPE_ZERO:
        zero = options.get(name)
        if zero and (value != 0 or (kind and kind.negated)):
            raise Problem(APART, f"`--{name}` needs `--rt-type 0`", zero.at)
        inside += [None] * (zero is not None)
    options.together("rt-0-not-strict", "rt-0-addrs")
    return present_or_opaque(options, ExtensionHeader.RT, inside)


MATCH = MatchExtension(
    "rt",
    (
        Option("rt-type", negatable=True, saved=decimal),
        Option("rt-segsleft", negatable=True, saved=index),
        Option("rt-len", negatable=True, saved=decimal),
        Option("rt-0-res", takes=0),
        Option("rt-0-addrs", saved=addresses),
        Option("rt-0-not-strict", takes=0),
    ),
    families=frozenset({Family.IP6}),
    read=_read,
)
