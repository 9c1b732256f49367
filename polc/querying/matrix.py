"""The matrix of a firewall: for each pair of zones and each service, whether connections can begin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from polc.diffing.names import Names
from polc.ir.family import FAMILIES
from polc.ir.matches import (
    AddressMatch,
    CtStateMatch,
    Direction,
    IcmpTerm,
    InterfaceMatch,
    InterfacePattern,
    PortTerm,
    ServiceMatch,
    Side,
)
from polc.ir.protocols import ICMP_FAMILY, ICMP_TYPES, PROTOCOL_NAMES
from polc.ir.ruleset import Rule, Ruleset
from polc.ir.way import Way
from polc.policy.lower.classes import BEGINNING, Packets
from polc.policy.lower.classes import Names as Known
from polc.policy.lower.scope import Zone
from polc.proving.grounds import BUDGET, Grounds, families_of
from polc.proving.place import way as way_of
from polc.querying.tagged import Decider, Tags
from polc.symbolic.diagram import NONE, OverBudget
from polc.symbolic.hooks import Loaded
from polc.symbolic.outcome import Outcome, Watch

_LOOPBACK = ("loopback", "lo")
HOST, OTHER = "host", "anything else"
_MOST_SERVICES, _MOST_ZONES = 60, 40


class Cell(Enum):
    """``ALL``: each packet that begins such a connection is accepted; ``SOME``: some are, by what else they are;
    ``LIMITED``: each, as long as limits and sets let it; ``UNKNOWN``: only the kernel knows.
    """

    ALL = "yes"
    LIMITED = "limited"
    SOME = "some"
    NONE = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Entry:
    """One pair of zones and one service; ``rules`` let such packets through."""

    source: str
    destination: str
    service: str
    cell: Cell
    rules: tuple[Decider, ...] = ()


@dataclass(frozen=True, slots=True)
class Matrix:
    """``entries`` for all pairs of ``zones`` and all ``services``, in that order; ``undecided`` pairs took too much,
    and ``left_out`` says what there was too much of.
    """

    title: str
    zones: tuple[str, ...]
    services: tuple[str, ...]
    entries: tuple[Entry, ...]
    undecided: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    def cell(self, source: str, destination: str, service: str) -> Entry | None:
        """The entry of a pair and a service; None: no packet goes there."""
        key = (source, destination, service)
        return next((one for one in self.entries if (one.source, one.destination, one.service) == key), None)


@dataclass(frozen=True, slots=True)
class _Pair:
    source: str
    destination: str
    way: Way
    ends: tuple[InterfaceMatch | AddressMatch, ...]


def matrix(title: str, loaded: Sequence[Loaded], known: Known, names: Names, *, budget: int = BUDGET) -> Matrix:
    """What of each service can begin between each two zones, the host among them."""
    left_out: list[str] = []
    zones = _first(_zones(known, loaded), _MOST_ZONES, "zones", left_out)
    services = _first(_services(loaded, names), _MOST_SERVICES, "services", left_out)
    pairs = list(_pairs(zones))
    tags = Tags()
    tagged = [Loaded(tags.tagged(one.ruleset), one.flavour) for one in loaded]
    found: dict[tuple[str, str, str], list[tuple[Cell, frozenset[Decider]]]] = {}
    undecided: list[str] = []
    for family in families_of(loaded):
        asked = [_packets(pair, service) for pair in pairs for service in (*services.values(), None)]
        grounds = Grounds((tagged,), family, asked, watch=Watch.COUNTER, budget=budget)
        for pair in pairs:
            try:
                for name, cell, rules in _cells(grounds, pair, services, tags):
                    found.setdefault((pair.source, pair.destination, name), []).append((cell, rules))
            except OverBudget as error:
                undecided.append(f"{pair.source} to {pair.destination}, {family.nfproto}: it takes {error}")
    entries = tuple(
        Entry(*key, _of_both([cell for cell, _ in cells]), _sorted(rule for _, rules in cells for rule in rules))
        for key, cells in found.items()
    )
    named = tuple(dict.fromkeys((*services, OTHER)))
    columns, rows = {name: at for at, name in enumerate(named)}, {pair: at for at, pair in enumerate(_ends_of(pairs))}
    entries = tuple(sorted(entries, key=lambda one: (rows[one.source, one.destination], columns[one.service])))
    return Matrix(title, (*zones, HOST), named, entries, tuple(undecided), tuple(left_out))


def _cells(
    grounds: Grounds, pair: _Pair, services: dict[str, ServiceMatch], tags: Tags
) -> Iterator[tuple[str, Cell, frozenset[Decider]]]:
    manager = grounds.space.manager
    place = way_of(pair.way)
    ends = grounds.members(_packets(pair, None), pair.way, opening=True)
    accepted = grounds.having(place, lambda one: one.accepted)
    possible = grounds.for_some_answers(accepted, NONE)
    unknown = grounds.having(place, lambda one: not one.known)
    left = ends
    for name, service in (*services.items(), (OTHER, None)):
        if service is None:
            members = left
        else:
            own = grounds.members(_packets(pair, service), pair.way, opening=True)
            left = manager.minus(left, own)
            members = own
        if members == NONE:
            continue
        if manager.where(members, unknown) != NONE:
            cell = Cell.UNKNOWN
        elif manager.minus(members, accepted) == NONE:
            cell = Cell.ALL
        elif manager.minus(members, possible) == NONE:
            cell = Cell.LIMITED
        else:
            cell = Cell.SOME if manager.where(members, accepted) != NONE else Cell.NONE
        here = manager.where(manager.where(members, accepted), grounds.outcomes(place))
        deciders = (tags.decider(one) for one in manager.values(here) if isinstance(one, Outcome))
        yield name, cell, frozenset(one for one in deciders if one is not None)


def _of_both(cells: Sequence[Cell]) -> Cell:
    """What is so in one family and not in the other is so for some."""
    if len(set(cells)) == 1:
        return cells[0]
    if Cell.UNKNOWN in cells:
        return Cell.UNKNOWN
    return Cell.LIMITED if set(cells) == {Cell.ALL, Cell.LIMITED} else Cell.SOME


def _sorted(deciders: Iterable[Decider]) -> tuple[Decider, ...]:
    def place(one: Decider) -> tuple[str, int, int]:
        span = one.origin.span
        return (span.source.path, span.start, one.number or 0) if span else ("", 0, 0)

    return tuple(sorted(frozenset(deciders), key=place))


# Zones


def _zones(known: Known, loaded: Sequence[Loaded]) -> dict[str, Zone]:
    found = {name: known.symbols.zones[name] for name in known.symbols.zones}
    zones = {name: zone for name, zone in found.items() if zone is not None and name not in _LOOPBACK}
    if zones:
        return zones
    # Nothing is known of interfaces: all of them are one.
    return {"any": Zone(())}


def _pairs(zones: dict[str, Zone]) -> Iterator[_Pair]:
    for name, zone in zones.items():
        yield _Pair(name, HOST, Way.INPUT, _ends(zone, Direction.IN))
        for other, there in zones.items():
            yield _Pair(name, other, Way.FORWARD, (*_ends(zone, Direction.IN), *_ends(there, Direction.OUT)))
        yield _Pair(HOST, name, Way.OUTPUT, _ends(zone, Direction.OUT))


def _ends_of(pairs: Iterable[_Pair]) -> Iterator[tuple[str, str]]:
    return ((one.source, one.destination) for one in pairs)


def _ends(zone: Zone, direction: Direction) -> tuple[InterfaceMatch | AddressMatch, ...]:
    found: list[InterfaceMatch | AddressMatch] = []
    patterns: tuple[InterfacePattern, ...] = zone.patterns
    if patterns:
        found.append(InterfaceMatch(direction, patterns))
    if zone.addresses is not None:
        found.append(AddressMatch(Side.SADDR if direction is Direction.IN else Side.DADDR, zone.addresses))
    return tuple(found)


def _packets(pair: _Pair, service: ServiceMatch | None) -> Packets:
    matches = (*pair.ends, *((service,) if service else ()), CtStateMatch(BEGINNING))
    spoken = frozenset(FAMILIES)
    for match in matches:
        if isinstance(match, AddressMatch):
            spoken &= match.addresses.families
    for term in service.terms if service else ():
        spoken &= {ICMP_FAMILY.get(term.protocol, family) for family in FAMILIES}
    return Packets({pair.way: (Rule(matches, None, (), spoken),)}, "")


# Services


def _services(loaded: Sequence[Loaded], names: Names) -> dict[str, ServiceMatch]:
    """Those that rules ask for, by the policy's name for them where it has one; sorted by name."""
    own = {service: name for name, service in names.services.items()}
    found: dict[str, ServiceMatch] = {}
    for one in loaded:
        for term in _terms(one.ruleset):
            service = ServiceMatch((term,))
            found[own.get(service, _term_text(term))] = service
    for service, name in own.items():
        found[name] = service
    return dict(sorted(found.items(), key=lambda one: (not one[0][0].isalpha(), one[0])))


def _terms(ruleset: Ruleset) -> Iterator[PortTerm | IcmpTerm]:
    for chain in ruleset.chains:
        for rule in chain.rules:
            for match in rule.matches:
                if isinstance(match, ServiceMatch):
                    yield from (term for term in match.terms if not isinstance(term, PortTerm) or term.sport is None)


def _term_text(term: PortTerm | IcmpTerm) -> str:
    name = PROTOCOL_NAMES.get(term.protocol, str(term.protocol))
    match term:
        case IcmpTerm(protocol, kind, code):
            types = {number: word for word, number in ICMP_TYPES[protocol].items()}
            return f"{name}/{types.get(kind, kind)}" + (f"/{code}" if code is not None else "")
        case PortTerm(dport=None):
            return name
        case PortTerm(dport=ports):
            assert ports is not None
            listed = [f"{low}" if low == high else f"{low}-{high}" for low, high in ports.ranges]
            return f"{name}/{','.join(listed[:6])}" + (f" and {len(listed) - 6} more" if len(listed) > 6 else "")


_T = TypeVar("_T")


def _first(found: dict[str, _T], most: int, what: str, left_out: list[str]) -> dict[str, _T]:
    if len(found) > most:
        left_out.append(f"{len(found) - most} of {len(found)} {what}")
    return dict(list(found.items())[:most])
