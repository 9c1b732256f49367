"""``-m realm``: the realm of the packet's route, in iptables alone (net/netfilter/xt_realm.c)."""

from __future__ import annotations

from polc.backends.cascade import Alternatives
from polc.backends.iptables.extensions.values import by_mask, masked
from polc.backends.iptables.extensions.words import Refused, Words, module
from polc.ir.family import Family
from polc.ir.matches import FieldMatch


def split(match: FieldMatch, family: Family) -> Alternatives:
    if family is Family.IP6:
        raise Refused("realm-family", "iptables asks packets of IPv4 alone for a realm", "name IPv4 addresses")
    return by_mask(match)


def words(match: FieldMatch) -> Words:
    return module(f"realm --realm {masked(match)}")
