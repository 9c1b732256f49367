"""Addresses: ``-s`` and ``-d`` for prefixes (iptables(8)), ``-m iprange`` for other ranges, ``-m set`` for groups."""

from __future__ import annotations

from polc.backends.cascade import Alternatives
from polc.backends.iptables.extensions.context import Context
from polc.backends.iptables.extensions.words import Piece, Rank, Words, module
from polc.ir.addresses import AddressSet, format_address, prefix_length
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import AddressMatch, Side

_PREFIX = {Side.SADDR: (Rank.SOURCE, "-s"), Side.DADDR: (Rank.DESTINATION, "-d")}
_ENDS = {Side.SADDR: "src", Side.DADDR: "dst"}
_RANGE = {Side.SADDR: "--src-range", Side.DADDR: "--dst-range"}


def split(match: AddressMatch, context: Context) -> Alternatives:
    """One range an option: ranges of a set are disjoint. What is an ipset is one option."""
    family = context.family
    if context.groups and (match.group, match.addresses.of_family(family)) in context.groups:
        return Alternatives((match,))
    slot = _PREFIX[match.side][1]
    options = tuple(_of(match.side, family, pair) for pair in match.addresses.of_family(family).ranges)
    if match.negated and len(options) == 1:
        return Alternatives((AddressMatch(match.side, options[0].addresses, True),), slot=slot)
    return Alternatives(options, excluded=match.negated, slot=slot)


def _of(side: Side, family: Family, pair: tuple[int, int]) -> AddressMatch:
    one = Intervals((pair,))
    return AddressMatch(side, AddressSet(ip=one) if family is Family.IP else AddressSet(ip6=one))


def words(match: AddressMatch, context: Context) -> Words:
    family = context.family
    addresses = match.addresses.of_family(family)
    negation = "! " if match.negated else ""
    if group := context.groups and context.groups.get((match.group, addresses)):
        return module(f"set {negation}--match-set {group} {_ENDS[match.side]}")
    ((low, high),) = addresses.ranges
    length = prefix_length(family, low, high)
    if length is None:
        ends = f"{format_address(family, low)}-{format_address(family, high)}"
        return module(f"iprange {negation}{_RANGE[match.side]} {ends}")
    rank, option = _PREFIX[match.side]
    return Words((Piece(rank, f"{negation}{option} {format_address(family, low)}/{length}"),))
