"""Ports and types of ICMP: all that a rule asks of them, as one match."""

from __future__ import annotations

from collections.abc import Sequence

from polc.importers.iptables.extension import IcmpTypes, Ports
from polc.ir.intervals import Intervals
from polc.ir.matches import IcmpTerm, Match, PortTerm, ServiceMatch, ServiceTerm, Trait, TraitMatch
from polc.ir.services import normalise

_ANY = Intervals(((0, 65535),))

_Box = tuple[Intervals, Intervals]
"""Source and destination ports."""


def ports(protocol: int, asked: Sequence[Ports]) -> ServiceMatch | None:
    """The packets that meet all of ``asked``; None: there are none."""
    boxes: list[_Box] = [(_ANY, _ANY)]
    for one in asked:
        boxes = [(meet(sport, left), meet(dport, right)) for sport, dport in boxes for left, right in _boxes(one)]
        boxes = [box for box in boxes if box[0] and box[1]]
    if not boxes:
        return None
    if len(boxes) == 1:
        ((sport, dport),) = boxes
        if sport == _ANY and dport == _ANY:
            # Any port: but there must be one, which a later fragment has not.
            return ServiceMatch((PortTerm(protocol, None, _ANY),))
    return normalise(PortTerm(protocol, _known(sport), _known(dport)) for sport, dport in boxes)


def _boxes(asked: Ports) -> list[_Box]:
    if asked.either is not None:
        return [(asked.either, _ANY), (_ANY, asked.either)]
    return [(_ANY if asked.sport is None else asked.sport, _ANY if asked.dport is None else asked.dport)]


def _known(found: Intervals) -> Intervals | None:
    return None if found == _ANY else found


def meet(one: Intervals, other: Intervals) -> Intervals:
    """What is in both."""
    if one == _ANY:
        return other
    return Intervals.of(
        (max(low, bottom), min(high, top))
        for low, high in one.ranges
        for bottom, top in other.ranges
        if max(low, bottom) <= min(high, top)
    )


def icmp(protocol: int, asked: Sequence[IcmpTypes]) -> tuple[Match, ...] | None:
    """As ``ports``, of types and codes. A header must be there, which a later fragment has not."""
    known = [one for one in asked if one.type is not None]
    if not known:
        return (ServiceMatch((PortTerm(protocol),)), TraitMatch(Trait.FRAGMENT, negated=True))
    found = _terms(protocol, known[0])
    for one in known[1:]:
        found = {term for a in found for term in [_both(a, b) for b in _terms(protocol, one)] if term}
    return (normalise(found),) if found else None


def _terms(protocol: int, one: IcmpTypes) -> set[ServiceTerm]:
    assert one.type is not None
    low, high = one.codes
    every = (low, high) == (0, 255)
    if not one.negated:
        return {IcmpTerm(protocol, one.type, None if every else low)}
    others: set[ServiceTerm] = {IcmpTerm(protocol, kind) for kind in range(256) if kind != one.type}
    if not every:
        others |= {IcmpTerm(protocol, one.type, code) for code in range(256) if code != low}
    return others


def _both(one: ServiceTerm, other: ServiceTerm) -> ServiceTerm | None:
    assert isinstance(one, IcmpTerm)
    assert isinstance(other, IcmpTerm)
    if one.type != other.type or (one.code != other.code and None not in (one.code, other.code)):
        return None
    return one if other.code is None else other
