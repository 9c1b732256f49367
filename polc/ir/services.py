"""Disjoint service terms, so that a rule split by term counts no packet twice."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from polc.ir.intervals import Intervals
from polc.ir.matches import IcmpTerm, PortTerm, ServiceMatch, ServiceTerm

_ANY_PORT = Intervals(((0, 65535),))


def normalise(terms: Iterable[ServiceTerm]) -> ServiceMatch:
    """Merge what can be merged and drop what another term covers; sorted, so equal services are equal values.

    Terms of one protocol with ports on one side only become one. Where two terms of a protocol name
    different source *and* destination ports, the later loses what the earlier has already.
    """
    terms = tuple(terms)
    if len(terms) == 1 and not (isinstance(terms[0], PortTerm) and _ANY_PORT in (terms[0].sport, terms[0].dport)):
        return ServiceMatch(terms)
    ports: dict[int, list[PortTerm]] = {}
    icmp: set[IcmpTerm] = set()
    for term in terms:
        match term:
            case PortTerm():
                ports.setdefault(term.protocol, []).append(term)
            case IcmpTerm():
                icmp.add(term)
    any_code = {(term.protocol, term.type) for term in icmp if term.code is None}
    kept = [
        term
        for term in icmp
        if (term.code is None or (term.protocol, term.type) not in any_code)
        and PortTerm(term.protocol) not in ports.get(term.protocol, ())
    ]
    icmp_order = sorted(kept, key=lambda term: (term.protocol, term.type, -1 if term.code is None else term.code))
    flat = [term for protocol in sorted(ports) for term in _disjoint(ports[protocol])]
    return ServiceMatch((*flat, *icmp_order))


def _disjoint(terms: list[PortTerm]) -> list[PortTerm]:
    whole = PortTerm(terms[0].protocol)
    if whole in terms:
        return [whole]
    by_sport: dict[Intervals, Intervals] = {}
    for term in terms:
        sport, dport = term.sport or _ANY_PORT, term.dport or _ANY_PORT
        by_sport[sport] = by_sport[sport].union(dport) if sport in by_sport else dport
    # Cut the source port axis at every border: within one piece the destination ports are one set.
    cuts = sorted({edge for sport in by_sport for low, high in sport.ranges for edge in (low, high + 1)})
    pieces: dict[Intervals, list[tuple[int, int]]] = {}
    for low, after in pairwise(cuts):
        dport = Intervals.of(pair for sport, there in by_sport.items() if low in sport for pair in there.ranges)
        if dport:
            pieces.setdefault(dport, []).append((low, after - 1))
    protocol = terms[0].protocol
    return sorted(
        (_term(protocol, Intervals.of(sports), dport) for dport, sports in pieces.items()),
        key=lambda term: ((term.sport or _ANY_PORT).ranges, (term.dport or _ANY_PORT).ranges),
    )


def _term(protocol: int, sport: Intervals, dport: Intervals) -> PortTerm:
    """Any port is not the same as none asked for: a fragment without the header has no port at all."""
    if sport == _ANY_PORT:
        return PortTerm(protocol, dport=dport)
    return PortTerm(protocol, sport, None if dport == _ANY_PORT else dport)
