"""Probes of one rule: packets that it decides, packets around its boundaries, and what it does over time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice, product

from polc.analysis.walk import Step
from polc.ir.family import FAMILIES
from polc.ir.filling import Filling
from polc.ir.matches import CtState, FlagsMatch, Match, OriginalAddressMatch
from polc.ir.protocols import TCP
from polc.ir.ruleset import BaseChain, Rule
from polc.ir.statements import Tproxy
from polc.ir.verdicts import Nat, NatMap
from polc.probing.aftertime import (
    AGAIN,
    BY_AND_BY,
    SOMEBODY_ELSE,
    TOO_MANY,
    filled_after,
    more_until_enough,
    others,
    waits,
)
from polc.probing.bench import Bench
from polc.probing.build import build
from polc.probing.bulk import in_bulk
from polc.probing.edges import Edge, edges
from polc.probing.found import Found, of_its_own, rows
from polc.probing.gaps import closing
from polc.probing.lots import BY_LOT, lots
from polc.probing.model import ONLY_KERNEL, Place, Probe
from polc.probing.paths import PATHS, Links
from polc.probing.rivals import RIVAL, behind_rivals
from polc.probing.scenes import Address, facts_of, is_unicast
from polc.probing.search import MOST_TIMES, Search
from polc.probing.told import of_outcome
from polc.probing.ways import parts_of
from polc.probing.wish import Wish
from polc.simulate.hooks import Loaded
from polc.simulate.outcome import Fate
from polc.simulate.packet import Packet
from polc.simulate.settings import Settings

_WAYS = 8
"""Ways to a rule that are tried."""

_AT_ONCE = 4
"""Probes of a part that come before those of the next one."""

_MOST_TELLING = 2
_SENDERS = 128

_FILLED = 2.0
"""Seconds at most until limits are as full as at first: what is spent of them before would hide how many there are."""

Placed = tuple[Probe, dict[Address, str]]
"""A probe, and what it asks of a host."""


@dataclass(slots=True)
class Prober:
    """Makes the probes of rules of rulesets that are loaded together. ``reason`` is why the last rule without one has
    none; ``untimed`` are rules of which it is not tried what they do once time has gone by, and why.
    """

    loaded: tuple[Loaded, ...]
    links: Links
    settings: Settings
    wish: Wish
    reason: str = ""
    untimed: dict[Place, str] = field(default_factory=dict)

    def of_rule(
        self,
        search: Search,
        ways: Sequence[tuple[BaseChain, Step]],
        number: int,
        most: int,
        seen: set[tuple[Packet, ...]],
    ) -> Iterator[Placed]:
        serial = number * 7 + self.wish.seed * 131
        for probe in islice(self._in_turn(search, parts_of(ways), serial), most):
            if probe.packets in seen and not probe.after:
                continue
            seen.add(probe.packets)
            facts = self.facts(search.bench, probe)
            if facts is not None:
                yield probe, facts

    def closing(
        self,
        bench: Bench,
        search: Search,
        at: int,
        found: Sequence[Placed],
        seen: set[tuple[Packet, ...]],
        fillings: Sequence[Filling] = (),
        only: Collection[Place] | None = None,
        but: Collection[Place] = (),
    ) -> list[Placed]:
        made = []
        probes = [probe for probe, _ in found]
        for probe in closing(self.loaded, bench, search, at, probes, fillings, only, but):
            facts = None if probe.packets in seen else self.facts(bench, probe)
            if facts is not None:
                seen.add(probe.packets)
                made.append((probe, facts))
        return made

    def facts(self, bench: Bench, probe: Probe) -> dict[Address, str] | None:
        outcome = bench.tried(probe.packets).outcome
        if outcome.fate is Fate.UNKNOWN:
            self.reason = f"{ONLY_KERNEL}{outcome.reason}"
            return None
        return facts_of(probe.packets, outcome.leaves, self.links)

    def _in_turn(
        self, search: Search, parts: Sequence[Sequence[tuple[BaseChain, Step]]], serial: int
    ) -> Iterator[Probe]:
        """Probes of each part of a rule, some of each before more of any."""
        running = [self._of_part(search, ways, serial + number) for number, ways in enumerate(parts)]
        while running:
            for one in list(running):
                some = list(islice(one, _AT_ONCE))
                yield from some
                if len(some) < _AT_ONCE:
                    running.remove(one)

    def _of_part(self, search: Search, ways: Sequence[tuple[BaseChain, Step]], serial: int) -> Iterator[Probe]:
        """Probes by the first way on which a packet meets the rule."""
        for base, step in ways[:_WAYS]:
            place = (step.chain, step.number)
            many = next(lots(search, base, step, serial), None)
            if many is not None:
                yield Probe(place, many, True, BY_LOT)
            made = search.decided(base, step, serial)
            if self.wish.unsure:
                yield from self._as_asked(search, base, step, serial)
            if isinstance(made, str):
                self.reason = made
                continue
            yield Probe(place, made.packets, True, "what it asks for")
            if any(isinstance(one, Tproxy) for one in step.rule.statements):
                for packets in search.sendable(replace(made.packet, socket=True)):
                    yield Probe(place, packets, place in search.bench.tried(packets).way.met(), "with a socket")
            bases = [made]
            if search.rules[place].matches and not search.bench.tells(made.packets, place):
                telling = list(search.telling(base, step, serial, made.packets[:-1], _MOST_TELLING))
                yield from (Probe(place, one.packets, True, "what others would do otherwise") for one in telling)
                bases = [*telling, made]
            yield from self._around(search, place, step.rule, bases)
            yield from self._over_time(search, place, step.rule, made)
            if (more_until_enough(step.rule.matches, made.packets[-1].total_length) or 0) > MOST_TIMES:
                yield from (Probe(place, many, False, TOO_MANY) for many in in_bulk(search, base, step, serial))
            return

    def _around(self, search: Search, place: Place, rule: Rule, bases: Sequence[Found]) -> Iterator[Probe]:
        """Around the boundaries, those of all matches in turn, as far as they are what they are to be: made of the
        first packet for which something else would become of them on the other side, or else of any.
        """
        # The matches of a part of a rule are not numbered as the rule's own.
        own = search.rules[place].matches == rule.matches
        # A packet of the same flow may differ in what only the first packet is asked for.
        of_flows = any(isinstance(one, FlagsMatch | OriginalAddressMatch) for one in rule.matches)
        preludes = ((), bases[-1].packets) if of_flows else ((),)
        lists = [
            [(number, _edges(search, match, one.packet, self.links)) for one in bases]
            for number, match in enumerate(rule.matches)
        ]
        for number, named in enumerate(_edges_in_turn(lists), 1):
            second: Probe | None = None
            for (at, found, edge), before in product(named, preludes):
                probe = self._edge(search, place, bases[found], number, edge, before)
                if probe is None:
                    continue
                if not own or search.bench.tells(probe.packets, place, None if edge.inside else at):
                    yield probe
                    break
                second = second or probe
            else:
                if second is not None:
                    yield second
        first = bases[-1]
        if len(first.packets) > 1:
            packets = (*first.again(0)[1:], first.packets[-1])
            if place not in search.bench.tried(packets).way.met():
                yield Probe(place, packets, False, "one packet fewer")

    def _edge(
        self, search: Search, place: Place, found: Found, number: int, edge: Edge, before: tuple[Packet, ...]
    ) -> Probe | None:
        # Where rules note who sent something, each probe has a sender of its own, if it may be anybody.
        own = replace(edge.packet, saddr=edge.packet.saddr ^ (number % _SENDERS)) if search.notes else edge.packet
        if isinstance(search.rules[place].verdict, Nat | NatMap) and own.sport == found.packet.sport:
            # Rules of NAT see the first packet of a flow alone.
            own = of_its_own(own, number)
        moved = [own] if len(found.packets) == 1 and edge.packet.iif and is_unicast(own.family, own.saddr) else []
        for real in chain.from_iterable(search.sendable(one) for one in dict.fromkeys((*moved, edge.packet))):
            packets = (*(before or found.again(number)), *real)
            trial = search.bench.tried(packets)
            if trial.outcome.fate is Fate.UNKNOWN:
                continue
            met = place in trial.way.met()
            if (met == edge.inside and _is_in_state(edge, trial.outcome.state)) or self.wish.unsure:
                return Probe(place, packets, met, edge.about)
        return None

    def _over_time(self, search: Search, place: Place, rule: Rule, found: Found) -> Iterator[Probe]:
        """So many packets that a rule which counts has had enough, and one more when it has forgotten them."""
        last, packets = found.packets[-1], found.packets
        more = more_until_enough(rule.matches, last.total_length)
        if more is not None and more + len(packets) <= MOST_TIMES:
            for row in rows(found, rule.matches, more + 1):
                many = (*found.packets, *row[1:])
                if place not in search.bench.tried(many).way.met():
                    packets = many
                    filled = filled_after(rule.matches)
                    yield Probe(
                        place, packets, False, TOO_MANY, filled if filled <= min(_FILLED, self.wish.wait) else 0.0
                    )
                    break
        yield from self._by_and_by(search, place, found, more)
        for many, decides in behind_rivals(search, place, rule, found):
            yield Probe(place, many, decides, RIVAL)
        for other in others(rule.matches, last):
            # What one has used up is there for another.
            if (place in search.bench.tried((*packets, other)).way.met()) is (more is not None):
                yield Probe(place, (*packets, other), more is not None, SOMEBODY_ELSE)
        for before in search.noted(rule, last, len(packets)):
            if place not in search.bench.tried((*before, *found.packets)).way.met():
                yield Probe(place, (*before, *found.packets), False, "noted before")
        for seconds, why in waits(rule, search.ruleset):
            if seconds <= self.wish.wait:
                yield Probe(place, (last,), more is not None, AGAIN, round(seconds, 3))
            else:
                self.untimed[place] = f"{why} takes longer than the {self.wish.wait:g} s that may be waited"

    def _by_and_by(self, search: Search, place: Place, found: Found, more: int | None) -> Iterator[Probe]:
        """The same packet again until something else becomes of it: other limits may have to be used up, too."""
        if found.packets[-1].protocol == TCP:
            # Each would be sent for itself, and time go by.
            return
        first = search.bench.told(found.packets)
        most = MOST_TIMES if more is None else min(MOST_TIMES, 4 * (more + 8))
        packets = found.packets
        while more is not None and len(packets) < most:
            packets = (*packets, *packets[-1:] * min(8 + more, most - len(packets)))
            trial = search.bench.tried(packets)
            if of_outcome(trial.outcome) != first:
                yield Probe(place, packets, place in trial.way.met(), BY_AND_BY)
                return

    def _as_asked(self, search: Search, base: BaseChain, step: Step, serial: int) -> Iterator[Probe]:
        """Packets that are as a rule asks, of each path and family, whatever is made of them."""
        place = (step.chain, step.number)
        for path in PATHS[base.hook]:
            for family in FAMILIES:
                made = build(path, family, step.whole.matches, self.links, serial + 3)
                if made is None or family not in step.whole.families:
                    continue
                for packets in search.sendable(made):
                    met = place in search.bench.tried(packets).way.met()
                    yield Probe(place, packets, met, "what it asks for, whoever else takes it")
                    break


def _edges_in_turn(lists: Sequence[Sequence[tuple[int, Iterable[Edge]]]]) -> Iterator[list[tuple[int, int, Edge]]]:
    """The edges of all matches in turn, each with its match's number, and as it is made of each base, by number."""
    ordered: list[list[list[tuple[int, int, Edge]]]] = []
    for of_match in lists:
        named: dict[str, list[tuple[int, int, Edge]]] = {}
        for base, (at, found) in enumerate(of_match):
            for edge in found:
                named.setdefault(edge.about, []).append((at, base, edge))
        ordered.append(list(named.values()))
    for at in range(max((len(one) for one in ordered), default=0)):
        yield from (one[at] for one in ordered if at < len(one))


def _edges(search: Search, match: Match, packet: Packet, links: Links) -> Iterator[Edge]:
    """Those of a match, and of what a set has that it asks."""
    yield from edges(match, packet, links)
    known = next(search.known(match), None)
    if known is not None:
        yield from edges(known, packet, links)


def _is_in_state(edge: Edge, state: CtState | None) -> bool:
    """Whether a packet that was to be of a state is of it."""
    wanted = edge.packet.presumed
    return wanted is None or state is None or wanted.state is state
