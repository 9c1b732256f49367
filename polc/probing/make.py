"""All probes of a firewall: for each rule a packet that it decides, and packets around its boundaries."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from random import Random

from polc.analysis.walk import Step, walk
from polc.ir.family import FAMILIES, Family
from polc.ir.matches import CtState
from polc.ir.ruleset import BaseChain, Rule, Ruleset
from polc.probing.build import build
from polc.probing.edges import Edge, edges
from polc.probing.mixed import mixed
from polc.probing.model import Place, Plan, Probe, Scene, Unreached
from polc.probing.paths import PATHS, Links, links_of
from polc.probing.scenes import Address, Ground, facts_of, grounds
from polc.probing.search import Bench, Found, Search
from polc.probing.watch import Way
from polc.simulate.engine import Simulator
from polc.simulate.hooks import Loaded
from polc.simulate.host import Host
from polc.simulate.outcome import Fate
from polc.simulate.packet import Packet
from polc.simulate.settings import Settings
from polc.simulate.steps import Send

MOST_STEPS = 100_000
"""Rules, each as often as a chain leads there, beyond which none is looked at."""

_WAYS = 8
"""Ways to a rule that are tried."""

_ROUNDS = 8

_TRIES = 4
"""Packets by chance that are made for one that can be sent."""

NOWHERE: Place = ("", -1)
"""The place of a packet that meets no rule."""


@dataclass(frozen=True, slots=True)
class Wish:
    """``per_rule`` probes at most for a rule, and as many rules, spread evenly, as ``packets`` are enough for (None:
    all). Where there are fewer packets than ``least``, others are put together by chance. ``scenes``: hosts at most.
    ``seed`` chooses the addresses and ports that no rule asks for. ``unsure``: packets are sent whatever the simulator
    says of them, besides those that it says are as they are to be: for those who look for what it does not know.
    """

    per_rule: int = 24
    packets: int | None = None
    least: int = 0
    scenes: int = 8
    seed: int = 0
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
    return _Planner(tuple(loaded), links_of((one.ruleset for one in loaded), host), settings or Settings(), wish).plan(
        progress
    )


def planned(loaded: Sequence[Loaded], scenes: Sequence[Scene], settings: Settings | None = None) -> Plan:
    """The plan that scenes are which somebody else has made: what they meet of these rulesets."""
    met: set[Place] = set()
    for scene in scenes:
        simulator = Simulator(tuple(loaded), scene.host, settings, start=time.time())
        for probe in scene.probes:
            for packet in probe.packets:
                way = Way()
                simulator.do(Send(packet), way)
                met.update(way.met())
    rules = {place: pairs[0][1].rule for one in loaded for place, pairs in _ways(one.ruleset).items()}
    left = tuple(
        Unreached(place, rule, "none of these probes is about it") for place, rule in rules.items() if place not in met
    )
    return Plan(tuple(scenes), tuple(rules), frozenset(met & rules.keys()), left)


@dataclass(slots=True)
class _Planner:
    loaded: tuple[Loaded, ...]
    links: Links
    settings: Settings
    wish: Wish
    reason: str = field(default="")

    def plan(self, progress: Callable[[int, int], None]) -> Plan:
        bench = Bench(self.loaded, self.links, self.settings, time.time())
        found: list[tuple[Probe, dict[Address, str]]] = []
        rules: dict[Place, Rule] = {}
        unreached: dict[Place, str] = {}
        searches: list[Search] = []
        seen: set[tuple[Packet, ...]] = set()
        for one in self.loaded:
            ways = _ways(one.ruleset)
            search = Search(one.ruleset, bench, [pair for pairs in ways.values() for pair in pairs])
            searches.append(search)
            rules.update({place: pairs[0][1].rule for place, pairs in ways.items()})
            chosen, per_rule = self._chosen(list(ways))
            for number, place in enumerate(chosen):
                progress(number, len(chosen))
                probes = list(self._of_rule(search, ways[place], number, per_rule, seen))
                found += probes
                if not any(probe.decides for probe, _ in probes):
                    unreached[place] = self.reason
        scenes, met = self._scenes(found)
        for _ in range(_ROUNDS):
            # Some are lost where what comes before them is in their way.
            missing = self.wish.least - _packets(scenes)
            if missing <= 0:
                break
            found += self._by_chance(searches, found, seen, missing)
            scenes, met = self._scenes(found)
        left = tuple(
            Unreached(place, rules[place], unreached.get(place, "what other probes leave behind is in its way"))
            for place in rules
            if place not in met and (place in unreached or self.wish.packets is None)
        )
        return Plan(scenes, tuple(rules), frozenset(met & rules.keys()), left)

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
        for base, step in ways[:_WAYS]:
            place = (step.chain, step.number)
            made = search.decided(base, step, serial)
            if self.wish.unsure:
                for probe in self._as_asked(search, base, step, serial):
                    if probe.packets not in seen and (facts := self._facts(search.bench, probe)) is not None:
                        seen.add(probe.packets)
                        yield probe, facts
            if isinstance(made, str):
                self.reason = made
                continue
            probes = [
                Probe(place, made.packets, True, "what it asks for"),
                *self._around(search, place, step.rule, made),
            ]
            for probe in islice(probes, most):
                if probe.packets in seen:
                    continue
                seen.add(probe.packets)
                facts = self._facts(search.bench, probe)
                if facts is not None:
                    yield probe, facts
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
            self.reason = f"only the kernel knows: {outcome.reason}"
            return None
        return facts_of(probe.packets, outcome.leaves, self.links)

    def _around(self, search: Search, place: Place, rule: Rule, found: Found) -> Iterator[Probe]:
        """Around the boundaries, those of all matches in turn, as far as they are what they are to be."""
        lists = [list(edges(match, found.packet, self.links)) for match in rule.matches]
        for number, edge in enumerate(_in_turn(lists), 1):
            for real in search.sendable(edge.packet):
                packets = (*found.again(number), *real)
                trial = search.bench.tried(packets)
                if trial.outcome.fate is Fate.UNKNOWN:
                    continue
                met = place in trial.way.met()
                if (met == edge.inside and _is_in_state(edge, trial.outcome.state)) or self.wish.unsure:
                    yield Probe(place, packets, met, edge.about)
                    break
        if len(found.packets) > 1:
            packets = found.again(0)
            if place not in search.bench.tried(packets).way.met():
                yield Probe(place, packets, False, "one packet fewer")

    def _scenes(self, found: list[tuple[Probe, dict[Address, str]]]) -> tuple[tuple[Scene, ...], set[Place]]:
        """The probes on their hosts, as they can be played one after the other; and the rules that are met then.

        A probe that what came before it keeps from doing what it is to do goes to another host, while there is one.
        """
        facts = dict(found)
        scenes: list[Scene] = []
        met: set[Place] = set()
        left = found
        for _ in range(_ROUNDS):
            room = self.wish.scenes - len(scenes)
            if not left or room <= 0:
                break
            again: list[Probe] = []
            for ground in grounds(left, self.links, room):
                host = self.links.host if self.links.host.described else ground.host()
                kept, failed, places = self._played(host, ground)
                met |= places
                again += failed
                if kept:
                    scenes.append(Scene(host, tuple(kept)))
            left = [(probe, facts[probe]) for probe in again]
        return tuple(scenes), met

    def _played(self, host: Host, ground: Ground) -> tuple[list[Probe], list[Probe], set[Place]]:
        """The probes that do what they are to do, those that do not, and the rules that were met."""
        probes, failed = list(ground.probes), list[Probe]()
        while True:
            simulator = Simulator(self.loaded, host, self.settings, start=time.time())
            wrong: list[Probe] = []
            met: set[Place] = set()
            for probe in probes:
                way, known = Way(), True
                for packet in probe.packets:
                    way = Way()
                    outcome = simulator.do(Send(packet), way)
                    met.update(way.met())
                    known &= outcome is not None and outcome.fate is not Fate.UNKNOWN
                if not known:
                    # What comes behind it is not known any more.
                    probes.remove(probe)
                    break
                if (probe.place in way.met()) is not probe.decides:
                    wrong.append(probe)
            else:
                if not wrong:
                    return probes, failed, met
                failed += wrong
                there = set(wrong)
                probes = [one for one in probes if one not in there]


def _as_sent(packet: Packet, searches: Sequence[Search]) -> Packet | None:
    """A packet as all rulesets need it; None: it cannot be sent."""
    for search in searches:
        real = next(search.sendable(packet), None)
        if real is None or len(real) > 1:
            return None
        (packet,) = real
    return packet


def _ways(ruleset: Ruleset) -> dict[Place, list[tuple[BaseChain, Step]]]:
    """The rules that packets of base chains may come to, each with the ways that lead there."""
    found: dict[Place, list[tuple[BaseChain, Step]]] = {}
    for base in ruleset.chains:
        if isinstance(base, BaseChain):
            for step in islice(walk(ruleset, base), MOST_STEPS):
                found.setdefault((step.chain, step.number), []).append((base, step))
    return found


def _packets(scenes: Sequence[Scene]) -> int:
    return sum(len(probe.packets) for scene in scenes for probe in scene.probes)


def _families(ruleset: Ruleset) -> frozenset[Family]:
    """Those that its rules speak of."""
    return frozenset(family for chain in ruleset.chains for rule in chain.rules for family in rule.families)


def _in_turn(lists: Sequence[Sequence[Edge]]) -> Iterator[Edge]:
    for at in range(max((len(one) for one in lists), default=0)):
        yield from (one[at] for one in lists if at < len(one))


def _is_in_state(edge: Edge, state: CtState | None) -> bool:
    """Whether a packet that was to be of a state is of it."""
    wanted = edge.packet.presumed
    return wanted is None or state is None or wanted.state is state
