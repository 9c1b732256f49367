"""Hosts on which something is in sets that nothing fills, and the probes for them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from polc.ir.filling import Filling
from polc.probing.bench import Bench
from polc.probing.contents import with_fillings
from polc.probing.invent import Inventor, Ways, asked_of, is_asking, unfilled, wanting
from polc.probing.model import ONLY_KERNEL, Place
from polc.probing.of_rule import Placed, Prober
from polc.probing.search import Search
from polc.simulate.hooks import Loaded
from polc.simulate.packet import Packet

_MOST_CONTENTS = 3
"""Contents of sets that nothing fills, each of which takes hosts of its own."""


@dataclass(slots=True)
class Group:
    """Probes about the rules at ``places``, for hosts with one content of sets; ``loaded`` has it."""

    fillings: tuple[Filling, ...]
    loaded: tuple[Loaded, ...]
    found: list[Placed] = field(default_factory=list)
    places: set[Place] = field(default_factory=set)


@dataclass(slots=True)
class Grouping:
    """Makes groups of probes. ``ways`` are those to the rules of each ruleset, ``tried`` how many probes rules get."""

    prober: Prober
    ways: Sequence[Ways]
    tried: Mapping[Place, int]

    def groups(self, unreached: dict[Place, str]) -> list[Group]:
        """Probes about rules that ask for sets which nothing fills, on hosts where something is put in, and about those
        that are met by nothing without: for all of them together, then for those that have no packet there one by one.
        Rules that have one are taken out of ``unreached``; for the others there is the reason.
        """
        without = frozenset(unreached)
        empty = [unfilled(one.ruleset) for one in self.prober.loaded]
        left = [
            [place for place in wanting(one.ruleset, some, without) if place in self.tried]
            for one, some in zip(self.prober.loaded, self.ways, strict=True)
        ]
        groups: list[Group] = []
        for attempt in range(min(_MOST_CONTENTS, self.prober.wish.scenes - 1)):
            turn = left if attempt == 0 else _first_alone(left)
            if not any(turn):
                break
            group = self._group(turn, unreached)
            if group is not None and any(probe.decides for probe, _ in group.found):
                groups.append(group)
            tried_now = {place for some in turn for place in some}
            done = tried_now - unreached.keys() if attempt == 0 else tried_now
            left = [
                [place for place in some if place not in done and is_asking(names, every[place])]
                for names, every, some in zip(empty, self.ways, left, strict=True)
            ]
        for names, every in zip(empty, self.ways, strict=True):
            for place in without & unreached.keys() & every.keys() if names else ():
                name = next(asked_of(names, every[place]), None)
                if name is not None and not unreached[place].startswith(ONLY_KERNEL):
                    why = unreached[place] if self.prober.wish.scenes > 1 else "this one host has none"
                    unreached[place] = f"nothing is in the set `{name}`, and no rule fills it: {why}"
        return groups

    def _group(self, wanted: Sequence[Sequence[Place]], unreached: dict[Place, str]) -> Group | None:
        """Of one content of sets. None: nothing can be put into any."""
        inventors = [Inventor(one.ruleset, self.prober.links, self.prober.wish.seed) for one in self.prober.loaded]
        for inventor, some, places in zip(inventors, self.ways, wanted, strict=True):
            for place in places:
                inventor.invent(place, some[place])
            unreached.update((place, why) for place, why in inventor.reasons.items() if place in unreached)
        fillings = tuple(one for inventor in inventors for one in inventor.fillings)
        if not fillings:
            return None
        loaded = with_fillings(self.prober.loaded, fillings)
        bench = Bench(loaded, self.prober.links, self.prober.settings, time.time())
        group = Group(fillings, loaded)
        seen: set[tuple[Packet, ...]] = set()
        for at, (one, some, places) in enumerate(zip(loaded, self.ways, wanted, strict=True)):
            search = Search(one.ruleset, bench, [pair for pairs in some.values() for pair in pairs])
            reasons = inventors[at].reasons
            for number, place in enumerate(places):
                if place in reasons:
                    continue
                probes = list(self.prober.of_rule(search, some[place], number, self.tried[place], seen))
                group.found += probes
                if any(probe.decides for probe, _ in probes):
                    unreached.pop(place, None)
                elif place in unreached:
                    unreached[place] = self.prober.reason
            group.places |= set(places)
            if self.prober.wish.gaps:
                group.found += self.prober.closing(bench, search, at, group.found, seen, fillings, group.places)
        return group


def _first_alone(left: Sequence[Sequence[Place]]) -> list[list[Place]]:
    """The first rule of all rulesets, and nothing else."""
    at = next((number for number, some in enumerate(left) if some), 0)
    return [list(some[:1]) if number == at else [] for number, some in enumerate(left)]
