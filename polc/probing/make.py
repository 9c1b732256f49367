"""All probes of a firewall: for each rule a packet that it decides, and packets around its boundaries."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from random import Random

from polc.ir.family import FAMILIES, Family
from polc.ir.filling import assigned
from polc.ir.ruleset import Rule, Ruleset
from polc.ir.stateful import RecentMatch
from polc.probing.arrange import arranged
from polc.probing.bench import Bench
from polc.probing.contents import with_fillings
from polc.probing.groups import Grouping
from polc.probing.invent import Ways
from polc.probing.mixed import mixed
from polc.probing.model import NOWHERE, Place, Plan, Probe, Scene, Unreached
from polc.probing.of_rule import Placed, Prober
from polc.probing.paths import links_of
from polc.probing.scratch import on_stage
from polc.probing.search import Search
from polc.probing.unreached import explained
from polc.probing.watch import Way
from polc.probing.ways import NO_WAY, ways_of, without_way
from polc.probing.wish import Wish
from polc.simulate.engine import Simulator
from polc.simulate.hooks import Loaded
from polc.simulate.host import Host
from polc.simulate.packet import Packet
from polc.simulate.settings import Settings
from polc.simulate.steps import Send

_ROUNDS = 8


_TRIES = 4
"""Packets by chance that are made for one that can be sent."""


def plan(
    loaded: Sequence[Loaded],
    host: Host | None = None,
    settings: Settings | None = None,
    wish: Wish | None = None,
    progress: Callable[[int, int], None] = lambda done, all_: None,
) -> Plan:
    """Probes of rulesets that are loaded together. ``host`` is what somebody has said of it. The same arguments give
    the same plan, but for rules that look at the time of day.
    """
    links = links_of([one.ruleset for one in loaded], host)
    return _Planner(Prober(tuple(loaded), links, on_stage(settings), wish or Wish())).plan(progress)


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
        simulator = Simulator(with_fillings(loaded, scene.fillings), scene.host, on_stage(settings), start=time.time())
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
class _Planner:
    prober: Prober

    def plan(self, progress: Callable[[int, int], None]) -> Plan:
        bench = Bench(self.prober.loaded, self.prober.links, self.prober.settings, time.time())
        found: list[Placed] = []
        rules: dict[Place, Rule] = {}
        unreached: dict[Place, str] = {}
        searches: list[Search] = []
        every: list[Ways] = []
        tried: dict[Place, int] = {}
        seen: set[tuple[Packet, ...]] = set()
        for one in self.prober.loaded:
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
                probes = list(self.prober.of_rule(search, ways[place], number, per_rule, seen))
                found += probes
                if not any(probe.decides for probe, _ in probes):
                    unreached[place] = self.prober.reason
        groups = Grouping(self.prober, every, tried).groups(unreached)
        of_groups = frozenset(place for one in groups for place in one.places if place not in unreached)
        for at, search in enumerate(searches if self.prober.wish.gaps else ()):
            found += self.prober.closing(bench, search, at, found, seen, but=of_groups)
        # How often somebody is noted is known only while nobody else has noted them.
        found.sort(key=lambda one: not _counts_notes(rules.get(one[0].place)))
        room = max(1, self.prober.wish.scenes - len(groups))
        scenes, met = self._arranged(found, room)
        for _ in range(_ROUNDS):
            # Some are lost where what comes before them is in their way.
            missing = self.prober.wish.least - _packets(scenes)
            if missing <= 0:
                break
            found += self._by_chance(searches, found, seen, missing)
            scenes, met = self._arranged(found, room)
        for number, group in enumerate(groups, 1):
            room = self.prober.wish.scenes - len(scenes) - (len(groups) - number)
            there, places = arranged(group.found, group.loaded, self.prober.links, self.prober.settings, room)
            scenes += tuple(replace(one, fillings=group.fillings) for one in there)
            met |= places
        left = tuple(
            Unreached(place, rules[place], unreached.get(place, "what other probes leave behind is in its way"))
            for place in rules
            if place not in met and (place in unreached or self.prober.wish.packets is None)
        )
        untimed = tuple(Unreached(place, rules[place], why) for place, why in self.prober.untimed.items())
        return Plan(scenes, tuple(rules), frozenset(met & rules.keys()), explained(self.prober.loaded, left), untimed)

    def _arranged(self, found: Sequence[Placed], room: int) -> tuple[tuple[Scene, ...], set[Place]]:
        return arranged(found, self.prober.loaded, self.prober.links, self.prober.settings, room)

    def _chosen(self, places: list[Place]) -> tuple[list[Place], int]:
        """The rules that get probes, and how many each."""
        most, per_rule = self.prober.wish.packets, self.prober.wish.per_rule
        if most is None or len(places) * per_rule <= most:
            return places, per_rule
        per_rule = max(3, min(per_rule, most // max(1, len(places))))
        count = max(1, most // per_rule)
        if count >= len(places):
            return places, per_rule
        shift = Random(self.prober.wish.seed).random()
        return [places[int((at + shift) * len(places) / count) % len(places)] for at in range(count)], per_rule

    def _by_chance(
        self,
        searches: Sequence[Search],
        found: Sequence[Placed],
        seen: set[tuple[Packet, ...]],
        missing: int,
    ) -> Iterator[Placed]:
        packets = [packet for probe, _ in found for packet in probe.packets]
        spoken = {one for rules in self.prober.loaded for one in _families(rules.ruleset)}
        families = [one for one in FAMILIES if one in spoken or not spoken]
        made = mixed(packets, families, self.prober.links, Random(f"{self.prober.wish.seed}/{len(packets)}"))
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
            facts = self.prober.facts(bench, probe)
            if facts is not None:
                missing -= 1
                yield probe, facts


def _counts_notes(rule: Rule | None) -> bool:
    return rule is not None and any(isinstance(one, RecentMatch) and (one.hits or 0) > 1 for one in rule.matches)


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
