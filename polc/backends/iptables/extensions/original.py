"""``--ctorigsrc`` and the like: addresses of the flow, one prefix a match (iptables-extensions(8), conntrack)."""

from __future__ import annotations

from dataclasses import replace

from polc.backends.cascade import Alternatives
from polc.backends.iptables.extensions.words import Words, module
from polc.ir.addresses import AddressSet, format_range, prefixes
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import OriginalAddressMatch, Side

_SIDES = {Side.SADDR: "src", Side.DADDR: "dst"}


def split(match: OriginalAddressMatch, family: Family) -> Alternatives:
    """A negated match becomes the prefixes that are left, or one that is turned round: either fails without a flow."""
    taken = match.addresses.of_family(family)
    own = list(_prefixes(taken, family))
    if match.negated and len(own) > 1:
        own = list(_prefixes(taken.complement(0, (1 << family.bits) - 1), family))
    alone = match.negated and len(own) == 1 and own[0] == taken
    return Alternatives(tuple(replace(match, addresses=_of(one, family), negated=alone) for one in own))


def _prefixes(ranges: Intervals, family: Family) -> list[Intervals]:
    return [
        Intervals(((number, number | ((1 << (family.bits - length)) - 1)),))
        for low, high in ranges.ranges
        for number, length in prefixes(family, low, high)
    ]


def _of(one: Intervals, family: Family) -> AddressSet:
    return AddressSet(ip=one) if family is Family.IP else AddressSet(ip6=one)


def words(match: OriginalAddressMatch, family: Family) -> Words:
    ((low, high),) = match.addresses.of_family(family).ranges
    option = f"--ct{'repl' if match.reply else 'orig'}{_SIDES[match.side]}"
    return module(f"conntrack {'! ' if match.negated else ''}{option} {format_range(family, low, high)}")
