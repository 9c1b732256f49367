"""Services: the words that stand for protocols, ports and ICMP types, and names for those that no words stand for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from polc.ir.family import BOTH, Family
from polc.ir.intervals import Intervals
from polc.ir.matches import IcmpTerm, PortTerm, ServiceMatch, ServiceTerm
from polc.ir.protocols import ICMP_FAMILY, ICMP_TYPES, PROTOCOL_NAMES
from polc.ir.services import normalise
from polc.lift.names import Names
from polc.policy.builtin_services import BUILTIN_SERVICES
from polc.policy.lower.symbols import builtin_service

MOST_INLINE = 8
"""Ports and ranges that stand in a rule, where nothing else names them."""
MOST_NAMES = 3
"""Names of services instead of numbers of ports."""

Terms = frozenset[ServiceTerm]


class Said(NamedTuple):
    """``service`` stands behind the verdict, ``sport`` is the clause, without its word."""

    service: str
    sport: str = ""


class Services:
    """``definitions`` are those needed so far: what stands behind a name of ``services``."""

    def __init__(self, uses: Counter[ServiceMatch], families: frozenset[Family]) -> None:
        self.uses = uses
        self.families = families
        self.free = Names(BUILTIN_SERVICES, "service")
        self.definitions: dict[str, list[str]] = {}
        self._names: dict[ServiceMatch, str] = {}

    def say(self, match: ServiceMatch) -> Said:
        name = known(self.families).get(frozenset(match.terms))
        if name:
            return Said(name)
        if match in self._names:
            return Said(self._names[match])
        sports = {getattr(one, "sport", None) for one in match.terms}
        if len(sports) > 1:
            return Said(self._define(match, _sides(match) or list(_each(match))))
        (sport,) = sports
        words = _words([_without_sport(one) for one in match.terms], self.families)
        if self.uses[match] > 1 and sum(map(_size, match.terms)) > MOST_INLINE:
            return Said(self._define(match, [f"{', '.join(words)}{f' sport {_ports(sport)}' if sport else ''}"]))
        return Said(", ".join(words), _ports(sport) if sport else "")

    def _define(self, match: ServiceMatch, parts: list[str]) -> str:
        name = self.free.near(_name(match))
        self._names[match] = name
        if len({part.partition(" sport ")[2] for part in parts}) == 1:
            self.definitions[name] = parts
            return name
        # A definition has source ports once: each part that has others gets a name.
        numbered = []
        for part in parts:
            own = self.free.near(f"{name}-part")
            self.definitions[own] = [part]
            numbered.append(own)
        self.definitions[name] = numbered
        return name


def _sides(match: ServiceMatch) -> list[str] | None:
    """Ports on either side, as iptables' ``--ports`` asks for them, where that is what the terms are."""
    found: list[str] = []
    again: list[ServiceTerm] = []
    for protocol in sorted({one.protocol for one in match.terms}):
        own = [one for one in match.terms if isinstance(one, PortTerm) and one.protocol == protocol]
        whole = [one.sport for one in own if one.dport is None and one.sport]
        if len(own) != 2 or len(whole) != 1 or whole[0] is None:
            return None
        again += (PortTerm(protocol, sport=whole[0]), PortTerm(protocol, dport=whole[0]))
        name, ports = PROTOCOL_NAMES[protocol], _ports(whole[0])
        found += (f"{name} sport {ports}", f"{name}/{ports}")
    return found if normalise(again) == match else None


def _each(match: ServiceMatch) -> Iterator[str]:
    for term in match.terms:
        sport = getattr(term, "sport", None)
        words = ", ".join(_words([_without_sport(term)], BOTH))
        yield f"{words} sport {_ports(sport)}" if sport else words


def _name(match: ServiceMatch) -> str:
    """``tcp-53``, ``udp-many``: by the protocol, and by the port where there is one."""
    protocols = sorted({PROTOCOL_NAMES.get(one.protocol, str(one.protocol)) for one in match.terms})
    ports = {
        low
        for one in match.terms
        for side in (getattr(one, "dport", None), getattr(one, "sport", None))
        if side and len(side.ranges) == 1
        for low, high in side.ranges
        if low == high
    }
    return "-".join((*protocols, str(next(iter(ports))) if len(ports) == 1 else "ports"))


def _size(term: ServiceTerm) -> int:
    return len(term.dport.ranges) if isinstance(term, PortTerm) and term.dport else 1


def _without_sport(term: ServiceTerm) -> ServiceTerm:
    return PortTerm(term.protocol, None, term.dport) if isinstance(term, PortTerm) else term


def _ports(ports: Intervals) -> str:
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ports.ranges)


def _words(terms: list[ServiceTerm], families: frozenset[Family]) -> list[str]:
    """A word for each service, protocol by protocol; of one protocol, numbers that go on with it."""
    names_of = known(families)
    found: list[str] = []
    for protocol in dict.fromkeys(one.protocol for one in terms):
        own = [one for one in terms if one.protocol == protocol]
        names = [names_of.get(frozenset({single})) for one in own for single in _singles(one)]
        name = PROTOCOL_NAMES.get(protocol, str(protocol))
        if len(names) <= MOST_NAMES and all(names):
            found += (one for one in names if one)
            continue
        types = [one for one in own if isinstance(one, IcmpTerm)]
        if types:
            found += _icmp_words(name, types)
        for one in own:
            if isinstance(one, PortTerm):
                found.append(f"{name}/{_ports(one.dport)}" if one.dport else _protocol(protocol))
    return found


def _singles(term: ServiceTerm) -> list[ServiceTerm]:
    if not isinstance(term, PortTerm) or term.dport is None:
        return [term]
    return [PortTerm(term.protocol, None, Intervals((pair,))) for pair in term.dport.ranges]


def _protocol(number: int) -> str:
    return f"proto {PROTOCOL_NAMES.get(number, number)}"


def _icmp_words(name: str, types: list[IcmpTerm]) -> Iterator[str]:
    """Types of one protocol: names go on with it, but for those with a code."""
    started = False
    for one in types:
        kind = _type_names(one.protocol).get(one.type, str(one.type))
        if one.code is not None:
            yield f"{name}/{kind}/{one.code}"
            started = False
        else:
            yield kind if started and not kind.isdigit() else f"{name}/{kind}"
            started = True


@cache
def _type_names(protocol: int) -> Mapping[int, str]:
    return {number: name for name, number in ICMP_TYPES[protocol].items()}


@cache
def known(families: frozenset[Family]) -> Mapping[Terms, str]:
    """The services that every policy knows, by what they are to packets of the families; the first of those alike."""
    found: dict[Terms, str] = {}
    for name in BUILTIN_SERVICES:
        terms = normalise(part.term for part in builtin_service(name)).terms
        own = frozenset(one for one in terms if ICMP_FAMILY.get(one.protocol) in (None, *families))
        if own and (len(own) == len(terms) or name == "ping"):
            found.setdefault(own, name)
    return found
