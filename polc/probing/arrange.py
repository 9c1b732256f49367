"""Probes on hosts in the order in which they are played, and what they do there one after the other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from polc.probing.aftertime import BY_AND_BY, SOMEBODY_ELSE, TOO_MANY
from polc.probing.bench import Bench
from polc.probing.lots import BY_LOT
from polc.probing.model import WOULD_SHOW, Place, Probe, Scene
from polc.probing.paths import Links
from polc.probing.play import answer_to
from polc.probing.rivals import RIVAL
from polc.probing.scenes import Address, Ground, grounds
from polc.probing.watch import Way
from polc.simulate.engine import Simulator
from polc.simulate.hooks import Loaded
from polc.simulate.host import LOOPBACK, Host
from polc.simulate.outcome import Fate
from polc.simulate.settings import Settings
from polc.simulate.steps import Send

_ROUNDS = 8

_MOST_ANSWERS = 64
"""Of one host."""


def arranged(
    found: Sequence[tuple[Probe, dict[Address, str]]],
    loaded: tuple[Loaded, ...],
    links: Links,
    settings: Settings,
    most: int,
) -> tuple[tuple[Scene, ...], set[Place]]:
    """The probes on at most so many hosts, as they can be played one after the other; and the rules that are met then.

    A probe that what came before it keeps from doing what it is to do goes to another host, while there is one. So does
    one that is to miss a rule and is decided elsewhere than by itself: a host that is banned gets nothing at all, and
    nobody would see whether the rule is as it was meant. Where there is no other host, it stays.
    """
    found = sorted(found, key=lambda one: _turn(one[0]))
    facts = dict(found)
    alone = _Alone(Bench(loaded, links, settings, time.time()))
    done: list[tuple[Ground, _Round]] = []
    left = found
    for _ in range(_ROUNDS):
        room = most - len(done)
        if not left or room <= 0:
            break
        again: list[Probe] = []
        made = grounds(left, links, room)
        for ground in made:
            one = _played(loaded, _host(ground, links), settings, ground, alone if len(made) < room else None)
            again += one.failed
            if one.kept:
                ground.probes = list(one.kept)
                done.append((ground, one))
        left = [(probe, facts[probe]) for probe in again]
    done = _squeezed(done, left, loaded, links, settings)
    scenes = tuple(Scene(_host(ground, links), _waited(one.kept), one.answered) for ground, one in done)
    return scenes, {place for _, one in done for place in one.met}


@dataclass(frozen=True, slots=True)
class _Round:
    """Of the probes of a host those that do what they are to do, those that do not, the rules that were met, and the
    packets whose answers are to be seen: NAT has to be undone for them.
    """

    kept: tuple[Probe, ...]
    failed: tuple[Probe, ...]
    met: frozenset[Place]
    answered: tuple[int, ...]


Ends = tuple[tuple[tuple[str, int | None], ...], ...]
"""Of each turn of a base chain, where it and the chains below it ended."""


@dataclass(slots=True)
class _Alone:
    """Where probes are decided when nothing was sent before them."""

    bench: Bench
    ends: dict[Probe, Ends] = field(default_factory=dict)

    def hidden(self, probe: Probe, way: Way) -> bool:
        """Whether a probe that is to miss a rule, or to show a fault, is decided elsewhere than by itself."""
        if _turn(probe) or probe.about == BY_LOT or (probe.decides and not probe.about.startswith(WOULD_SHOW)):
            return False
        if probe not in self.ends:
            self.ends[probe] = _ends(self.bench.tried(probe.packets).way)
        return self.ends[probe] != _ends(way)


def _ends(way: Way) -> Ends:
    return tuple(tuple(run.ends) for run in way.runs)


def _host(ground: Ground, links: Links) -> Host:
    return links.host if links.host.described else ground.host()


def _squeezed(
    done: Sequence[tuple[Ground, _Round]],
    left: Sequence[tuple[Probe, dict[Address, str]]],
    loaded: tuple[Loaded, ...],
    links: Links,
    settings: Settings,
) -> list[tuple[Ground, _Round]]:
    """With those for which there was no other host, where they do at least what they are to do."""
    found = list(done)
    for at, (ground, one) in enumerate(found):
        some = [(probe, facts) for probe, facts in left if ground.takes(facts)]
        if not some:
            continue
        fuller = Ground(links, dict(ground.where), dict(ground.at), list(one.kept))
        for probe, facts in some:
            if fuller.takes(facts):
                fuller.add(probe, facts)
        fuller.probes.sort(key=_turn)
        played = _played(loaded, _host(fuller, links), settings, fuller, None)
        if set(one.kept) <= set(played.kept):
            fuller.probes = list(played.kept)
            found[at] = (fuller, played)
            there = set(played.kept)
            left = [pair for pair in left if pair[0] not in there]
    return found


def _played(loaded: tuple[Loaded, ...], host: Host, settings: Settings, ground: Ground, alone: _Alone | None) -> _Round:
    """``alone``: those that are hidden by others fail, too."""
    probes, failed = list(ground.probes), list[Probe]()
    while True:
        simulator = Simulator(loaded, host, settings, start=time.time())
        wrong: list[Probe] = []
        met: set[Place] = set()
        changed: dict[int, int] = {}
        number = 0
        for probe, waited in zip(probes, _waited(probes), strict=True):
            way, known = Way(), True
            simulator.wait(waited.after)
            for packet in probe.packets:
                way = Way()
                outcome = simulator.do(Send(packet), way)
                assert outcome is not None
                met.update(way.met())
                known &= outcome.fate is not Fate.UNKNOWN
                flow = outcome.after
                if flow and outcome.rewrites and packet.oif != LOOPBACK and answer_to(outcome):
                    # The first packet of a flow: who has answered goes on with other numbers.
                    changed.setdefault(flow.number, number)
                number += 1
            if not known:
                # What comes behind it is not known any more.
                probes.remove(probe)
                break
            missed = (probe.place in way.met()) is not probe.decides and probe.about != BY_LOT
            if missed or (alone is not None and alone.hidden(probe, way)):
                wrong.append(probe)
        else:
            if not wrong:
                return _Round(tuple(probes), tuple(failed), frozenset(met), tuple(changed.values())[:_MOST_ANSWERS])
            failed += wrong
            there = set(wrong)
            probes = [one for one in probes if one not in there]


def _turn(probe: Probe) -> int:
    """Probes that use something up come late, those that wait for it to be there again last."""
    if probe.about in (TOO_MANY, SOMEBODY_ELSE, BY_AND_BY, RIVAL):
        return 1
    return 2 if probe.after else 0


def _waited(probes: Sequence[Probe]) -> tuple[Probe, ...]:
    """With one wait for all of a turn, in front of the first that needs one."""
    longest: dict[int, float] = {}
    for probe in probes:
        longest[_turn(probe)] = max(longest.get(_turn(probe), 0.0), probe.after)
    return tuple(replace(one, after=longest.pop(_turn(one), 0.0) if one.after else 0.0) for one in probes)
