"""``-m addrtype``: what the routing table says an address is (net/netfilter/xt_addrtype.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import COMING, GOING, Context, Given, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import APART, Problem
from polc.importers.iptables.saved import names
from polc.importers.iptables.values import choice, listed
from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import Family
from polc.ir.matches import REJECTED, AddressMatch, AddressType, AddressTypeMatch, Direction, Match, Side

_TYPES: dict[str, str] = {
    **{one.name: one.value for one in AddressType},
    **dict.fromkeys(("UNSPEC", "THROW", "NAT", "XRESOLVE"), ""),
}
_SIDES = {"src-type": Side.SADDR, "dst-type": Side.DADDR}
_INTERFACES = {"limit-iface-in": Direction.IN, "limit-iface-out": Direction.OUT}
_ROUTED_IP6 = frozenset({AddressType.LOCAL, AddressType.ANYCAST, AddressType.UNREACHABLE})
_NOT_IP6 = frozenset({"BROADCAST", "PROHIBIT", "THROW", "NAT", "XRESOLVE"})

_MULTICAST = AddressSet.of([parse_address("ff00::/8")])
_NO_UNICAST = AddressSet.of(map(parse_address, ("ff00::/8", "::", "::ffff:0:0/96")))
"""By their bits alone, which is what the match asks of IPv6 (net/ipv6/addrconf_core.c, __ipv6_addr_type)."""

_LISTED = (
    "UNSPEC", "UNICAST", "LOCAL", "BROADCAST", "ANYCAST", "MULTICAST", "BLACKHOLE", "UNREACHABLE", "PROHIBIT", "THROW",
    "NAT", "XRESOLVE",
)  # fmt: skip
"""The order in which iptables-save lists them (libxt_addrtype.c, rtn_names)."""


def _read(options: Options, context: Context) -> Meaning:
    limit = options.among(*_INTERFACES)
    given = [one for one in options if one.option.name in _SIDES]
    if not given:
        raise Problem(APART, f"`{options.shown}` needs `--src-type` or `--dst-type`", options.at)
    interface = _INTERFACES[limit.option.name] if limit else None
    chosen = [[choice(word, _TYPES, "type of an address") for word in listed(one.word)] for one in given]
    matches = [_match(one, own, context.family, interface) for one, own in zip(given, chosen, strict=True)]
    known = tuple(one for one in matches if one is not None)
    if len(known) < len(matches):
        reason = "nft looks up types of addresses in the routing table, and these are not told by it alone"
        return Meaning((options.opaque(reason),))
    return Meaning(known)


def _match(given: Given, names: list[str], family: Family, interface: Direction | None) -> Match | None:
    if not all(_TYPES[name] for name in names):
        return None
    types = tuple(one for one in AddressType if one.name in names)
    side = _SIDES[given.option.name]
    if family is Family.IP6:
        if not _NOT_IP6.isdisjoint(names):
            raise Problem(APART, f"ip6tables has no address type `{names[0]}`", given.word.at)
        if types == (AddressType.UNICAST,):
            return AddressMatch(side, _NO_UNICAST, not given.negated)
        if types == (AddressType.MULTICAST,):
            return AddressMatch(side, _MULTICAST, given.negated)
        if not _ROUTED_IP6.issuperset(types):
            return None
        if AddressType.UNREACHABLE in types:
            types = tuple(one for one in AddressType if one in (*types, *REJECTED))
    return AddressTypeMatch(side, types, given.negated, interface)


MATCH = MatchExtension(
    "addrtype",
    (
        Option("src-type", negatable=True, saved=names(_LISTED)),
        Option("dst-type", negatable=True, saved=names(_LISTED)),
        Option("limit-iface-in", takes=0, chains=COMING),
        Option("limit-iface-out", takes=0, chains=GOING),
    ),
    read=_read,
)
