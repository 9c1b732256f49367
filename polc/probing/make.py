"""All probes of a firewall: for each rule a packet that it decides, and packets around its boundaries."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice, product
from random import Random

from polc.analysis.walk import Step
from polc.ir.family import FAMILIES, Family
from polc.ir.filling import Filling, assigned
from polc.ir.matches import CtState, FlagsMatch, Match, OriginalAddressMatch
from polc.ir.protocols import TCP
from polc.ir.ruleset import BaseChain, Rule, Ruleset
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
from polc.probing.arrange import arranged
from polc.probing.bench import Bench
from polc.probing.build import build
from polc.probing.bulk import in_bulk
from polc.probing.contents import with_fillings
from polc.probing.edges import Edge, edges
from polc.probing.gaps import closing
from polc.probing.invent import Inventor, Ways, asked_of, is_asking, unfilled, wanting
from polc.probing.lots import BY_LOT, lots
from polc.probing.mixed import mixed
from polc.probing.model import NOWHERE, ONLY_KERNEL, Place, Plan, Probe, Scene, Unreached
from polc.probing.paths import PATHS, Links, links_of
from polc.probing.rivals import RIVAL, behind_rivals
from polc.probing.scenes import Address, facts_of, is_unicast
from polc.probing.search import MOST_TIMES, Found, Search, of_its_own, rows
from polc.probing.told import of_outcome
from polc.probing.unreached import explained
from polc.probing.watch import Way
from polc.probing.ways import NO_WAY, parts_of, ways_of, without_way
from polc.simulate.engine import Simulator
from polc.simulate.hooks import Loaded
from polc.simulate.host import Host
from polc.simulate.outcome import Fate
from polc.simulate.packet import Packet
from polc.simulate.settings import Settings
from polc.simulate.steps import Send

_WAYS = 8
"""Ways to a rule that are tried."""

_ROUNDS = 8

_AT_ONCE = 4
"""Probes of a part that come before those of the next one."""

_MOST_TELLING = 2
_SENDERS = 128

_FILLED = 2.0
"""Seconds at most until limits are as full as at first: what is spent of them before would hide how many there are."""

_MOST_CONTENTS = 3
"""Contents of sets that nothing fills, each of which takes hosts of its own."""

_TRIES = 4
"""Packets by chance that are made for one that can be sent."""

MOST_PER_RULE = 64
"""Probes of a rule where all that it asks for is to be tried."""

LONGEST_WAIT = 7.0
"""Seconds, enough for a limit of ten a minute to let one packet through again."""


@dataclass(frozen=True, slots=True)
class Wish:
    """``per_rule`` probes at most for a rule, and as many rules, spread evenly, as ``packets`` are enough for (None:
    all). Where there are fewer packets than ``least``, others are put together by chance. ``scenes``: hosts at most.
    ``seed`` chooses the addresses and ports that no rule asks for. ``wait``: seconds that a host may wait for what
    rules remember to be forgotten. ``gaps``: with packets for deliberate faults that the others do not show.
    ``unsure``: packets are sent whatever the simulator says of them, besides those that it says are as they are to be:
    for those who look for what it does not know.
    """

    per_rule: int = 24
    packets: int | None = None
    least: int = 0
    scenes: int = 8
    seed: int = 0
    wait: float = 0.0
    gaps: bool = False
    unsure: bool = False


def plan(
    loaded: Sequence[Loaded],
    host: Host | None = None,
    settings: Settings | None = None,
    wish: Wish = Wish(),
    progress: Callable[[int, int], None] = lambda done, all_: None,
) -> Plan:
    """Probes of rulesets that are loaded together. ``host`` is what somebody has said of it. The same arguments give
    the same plan, but for rules that look at the time of day.
    """
    return _Planner(tuple(loaded), links_of([one.ruleset for one in loaded], host), settings or Settings(), wish).plan(
        progress
    )


def planned(loaded: Sequence[Loaded], scenes: Sequence[Scene], settings: Settings | None = None) -> Plan:
    """The plan that scenes are which somebody else has made: what they meet of these rulesets, and what they put into
    sets that are there.
    """
    rulesets = [one.ruleset for one in loaded]
    scenes = [
        replace(scene, fillings=tuple(one for one in scene.fillings if any(assigned(rulesets, [one]))))
        for scene in scenes
    ]
    met: set[Place] = set()
    for scene in scenes:
        simulator = Simulator(with_fillings(loaded, scene.fillings), scene.host, settings, start=time.time())
        for probe in scene.probes:
            for packet in probe.packets:
                way = Way()
                simulator.do(Send(packet), way)
                met.update(way.met())
    rules: dict[Place, Rule] = {}
    for one in loaded:
        ways = ways_of(one.ruleset)
        rules.update({place: pairs[0][1].rule for place, pairs in ways.items()})
        rules.update(without_way(one.ruleset, ways))
    left = tuple(
        Unreached(place, rule, "none of these probes is about it") for place, rule in rules.items() if place not in met
    )
    return Plan(tuple(scenes), tuple(rules), frozenset(met & rules.keys()), left)


@dataclass(slots=True)
class _Group:
    """Probes about the rules at ``places``, for hosts with one content of sets; ``loaded`` has it."""

    fillings: tuple[Filling, ...]
    loaded: tuple[Loaded, ...]
    found: list[tuple[Probe, dict[Address, str]]] = field(default_factory=list)
    places: set[Place] = field(default_factory=set)


@dataclass(slots=True)
class _Planner:
    loaded: tuple[Loaded, ...]
    links: Links
    settings: Settings
    wish: Wish
    reason: str = field(default="")
    untimed: dict[Place, str] = field(default_factory=dict)

    def plan(self, progress: Callable[[int, int], None]) -> Plan:
        bench = Bench(self.loaded, self.links, self.settings, time.time())
        found: list[tuple[Probe, dict[Address, str]]] = []
        rules: dict[Place, Rule] = {}
        unreached: dict[Place, str] = {}
        searches: list[Search] = []
        every: list[Ways] = []
        tried: dict[Place, int] = {}
        seen: set[tuple[Packet, ...]] = set()
        for one in self.loaded:
            ways = ways_of(one.ruleset)
            every.append(ways)
            search = Search(one.ruleset, bench, [pair for pairs in ways.values() for pair in pairs])
            searches.append(search)
            rules.update({place: pairs[0][1].rule for place, pairs in ways.items()})
            apart = without_way(one.ruleset, ways)
            rules.update(apart)
            unreached.update(dict.fromkeys(apart, NO_WAY))
            chosen, per_rule = self._chosen(list(ways))
            tried.update(dict.fromkeys(chosen, per_rule))
            for number, place in enumerate(chosen):
                progress(number, len(chosen))
                probes = list(self._of_rule(search, ways[place], number, per_rule, seen))
                found += probes
                if not any(probe.decides for probe, _ in probes):
                    unreached[place] = self.reason
        groups = self._groups(every, tried, unreached)
        of_groups = frozenset(place for one in groups for place in one.places if place not in unreached)
        for at, search in enumerate(searches if self.wish.gaps else ()):
            found += self._closing(bench, search, at, found, seen, but=of_groups)
        room = max(1, self.wish.scenes - len(groups))
        scenes, met = self._arranged(found, room)
        for _ in range(_ROUNDS):
            # Some are lost where what comes before them is in their way.
            missing = self.wish.least - _packets(scenes)
            if missing <= 0:
                break
            found += self._by_chance(searches, found, seen, missing)
            scenes, met = self._arranged(found, room)
        for number, group in enumerate(groups, 1):
            room = self.wish.scenes - len(scenes) - (len(groups) - number)
            there, places = arranged(group.found, group.loaded, self.links, self.settings, room)
            scenes += tuple(replace(one, fillings=group.fillings) for one in there)
            met |= places
        left = tuple(
            Unreached(place, rules[place], unreached.get(place, "what other probes leave behind is in its way"))
            for place in rules
            if place not in met and (place in unreached or self.wish.packets is None)
        )
        untimed = tuple(Unreached(place, rules[place], why) for place, why in self.untimed.items())
        return Plan(scenes, tuple(rules), frozenset(met & rules.keys()), explained(self.loaded, left), untimed)

    def _arranged(
        self, found: Sequence[tuple[Probe, dict[Address, str]]], room: int
    ) -> tuple[tuple[Scene, ...], set[Place]]:
        return arranged(found, self.loaded, self.links, self.settings, room)

    def _groups(self, ways: Sequence[Ways], tried: Mapping[Place, int], unreached: dict[Place, str]) -> list[_Group]:
        """Probes about rules that ask for sets which nothing fills, on hosts where something is put in, and about those
        that are met by nothing without: for all of them together, then for those that have no packet there one by one.
        Rules that have one are taken out of ``unreached``; for the others there is the reason.
        """
        without = frozenset(unreached)
        empty = [unfilled(one.ruleset) for one in self.loaded]
        left = [
            [place for place in wanting(one.ruleset, some, without) if place in tried]
            for one, some in zip(self.loaded, ways, strict=True)
        ]
        groups: list[_Group] = []
        for attempt in range(min(_MOST_CONTENTS, self.wish.scenes - 1)):
            turn = left if attempt == 0 else _first_alone(left)
            if not any(turn):
                break
            group = self._group(ways, turn, tried, unreached)
            if group is not None and any(probe.decides for probe, _ in group.found):
                groups.append(group)
            tried_now = {place for some in turn for place in some}
            done = tried_now - unreached.keys() if attempt == 0 else tried_now
            left = [
                [place for place in some if place not in done and is_asking(names, every[place])]
                for names, every, some in zip(empty, ways, left, strict=True)
            ]
        for names, every in zip(empty, ways, strict=True):
            for place in without & unreached.keys() & every.keys() if names else ():
                name = next(asked_of(names, every[place]), None)
                if name is not None and not unreached[place].startswith(ONLY_KERNEL):
                    why = unreached[place] if self.wish.scenes > 1 else "this one host has none"
                    unreached[place] = f"nothing is in the set `{name}`, and no rule fills it: {why}"
        return groups

    def _group(
        self,
        ways: Sequence[Ways],
        wanted: Sequence[Sequence[Place]],
        tried: Mapping[Place, int],
        unreached: dict[Place, str],
    ) -> _Group | None:
        """Of one content of sets. None: nothing can be put into any."""
        inventors = [Inventor(one.ruleset, self.links, self.wish.seed) for one in self.loaded]
        for inventor, some, places in zip(inventors, ways, wanted, strict=True):
            for place in places:
                inventor.invent(place, some[place])
            unreached.update((place, why) for place, why in inventor.reasons.items() if place in unreached)
        fillings = tuple(one for inventor in inventors for one in inventor.fillings)
        if not fillings:
            return None
        loaded = with_fillings(self.loaded, fillings)
        bench = Bench(loaded, self.links, self.settings, time.time())
        group = _Group(fillings, loaded)
        seen: set[tuple[Packet, ...]] = set()
        for at, (one, some, places) in enumerate(zip(loaded, ways, wanted, strict=True)):
            search = Search(one.ruleset, bench, [pair for pairs in some.values() for pair in pairs])
            reasons = inventors[at].reasons
            for number, place in enumerate(places):
                if place in reasons:
                    continue
                probes = list(self._of_rule(search, some[place], number, tried[place], seen))
                group.found += probes
                if any(probe.decides for probe, _ in probes):
                    unreached.pop(place, None)
                elif place in unreached:
                    unreached[place] = self.reason
            group.places |= set(places)
            if self.wish.gaps:
                group.found += self._closing(bench, search, at, group.found, seen, fillings, group.places)
        return group

    def _chosen(self, places: list[Place]) -> tuple[list[Place], int]:
        """The rules that get probes, and how many each."""
        most, per_rule = self.wish.packets, self.wish.per_rule
        if most is None or len(places) * per_rule <= most:
            return places, per_rule
        per_rule = max(3, min(per_rule, most // max(1, len(places))))
        count = max(1, most // per_rule)
        if count >= len(places):
            return places, per_rule
        shift = Random(self.wish.seed).random()
        return [places[int((at + shift) * len(places) / count) % len(places)] for at in range(count)], per_rule

    def _of_rule(
        self,
        search: Search,
        ways: Sequence[tuple[BaseChain, Step]],
        number: int,
        most: int,
        seen: set[tuple[Packet, ...]],
    ) -> Iterator[tuple[Probe, dict[Address, str]]]:
        serial = number * 7 + self.wish.seed * 131
        for probe in islice(self._in_turn(search, parts_of(ways), serial), most):
            if probe.packets in seen and not probe.after:
                continue
            seen.add(probe.packets)
            facts = self._facts(search.bench, probe)
            if facts is not None:
                yield probe, facts

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

    def _closing(
        self,
        bench: Bench,
        search: Search,
        at: int,
        found: Sequence[tuple[Probe, dict[Address, str]]],
        seen: set[tuple[Packet, ...]],
        fillings: Sequence[Filling] = (),
        only: Collection[Place] | None = None,
        but: Collection[Place] = (),
    ) -> list[tuple[Probe, dict[Address, str]]]:
        made = []
        probes = [probe for probe, _ in found]
        for probe in closing(self.loaded, bench, search, at, probes, fillings, only, but):
            facts = None if probe.packets in seen else self._facts(bench, probe)
            if facts is not None:
                seen.add(probe.packets)
                made.append((probe, facts))
        return made

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

    def _by_chance(
        self,
        searches: Sequence[Search],
        found: Sequence[tuple[Probe, dict[Address, str]]],
        seen: set[tuple[Packet, ...]],
        missing: int,
    ) -> Iterator[tuple[Probe, dict[Address, str]]]:
        packets = [packet for probe, _ in found for packet in probe.packets]
        spoken = {one for rules in self.loaded for one in _families(rules.ruleset)}
        families = [one for one in FAMILIES if one in spoken or not spoken]
        made = mixed(packets, families, self.links, Random(f"{self.wish.seed}/{len(packets)}"))
        for drawn in islice(made, _TRIES * missing):
            if missing <= 0:
                return
            packet = _as_sent(drawn, searches)
            if packet is None or (drawn,) in seen:
                continue
            seen.add((drawn,))
            bench = searches[0].bench
            trial = bench.tried((packet,))
            met = list(trial.way.met())
            probe = Probe(met[-1] if met else NOWHERE, (packet,), bool(met), "by chance")
            facts = self._facts(bench, probe)
            if facts is not None:
                missing -= 1
                yield probe, facts

    def _facts(self, bench: Bench, probe: Probe) -> dict[Address, str] | None:
        outcome = bench.tried(probe.packets).outcome
        if outcome.fate is Fate.UNKNOWN:
            self.reason = f"{ONLY_KERNEL}{outcome.reason}"
            return None
        return facts_of(probe.packets, outcome.leaves, self.links)

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
            packets = first.again(0)
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


def _first_alone(left: Sequence[Sequence[Place]]) -> list[list[Place]]:
    """The first rule of all rulesets, and nothing else."""
    at = next((number for number, some in enumerate(left) if some), 0)
    return [list(some[:1]) if number == at else [] for number, some in enumerate(left)]


def _as_sent(packet: Packet, searches: Sequence[Search]) -> Packet | None:
    """A packet as all rulesets need it; None: it cannot be sent."""
    for search in searches:
        real = next(search.sendable(packet), None)
        if real is None or len(real) > 1:
            return None
        (packet,) = real
    return packet


def _packets(scenes: Sequence[Scene]) -> int:
    return sum(len(probe.packets) for scene in scenes for probe in scene.probes)


def _families(ruleset: Ruleset) -> frozenset[Family]:
    """Those that its rules speak of."""
    return frozenset(family for chain in ruleset.chains for rule in chain.rules for family in rule.families)


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
