"""Probes on hosts in the order in which they are played, and what they do there one after the other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from polc.probing.aftertime import BY_AND_BY, SOMEBODY_ELSE, TOO_MANY
from polc.probing.lots import BY_LOT
from polc.probing.model import Place, Probe, Scene
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

    A probe that what came before it keeps from doing what it is to do goes to another host, while there is one.
    """
    found = sorted(found, key=lambda one: _turn(one[0]))
    facts = dict(found)
    scenes: list[Scene] = []
    met: set[Place] = set()
    left = found
    for _ in range(_ROUNDS):
        room = most - len(scenes)
        if not left or room <= 0:
            break
        again: list[Probe] = []
        for ground in grounds(left, links, room):
            host = links.host if links.host.described else ground.host()
            kept, failed, places, answered = _played(loaded, host, settings, ground)
            met |= places
            again += failed
            if kept:
                scenes.append(Scene(host, _waited(kept), answered))
        left = [(probe, facts[probe]) for probe in again]
    return tuple(scenes), met


def _played(
    loaded: tuple[Loaded, ...], host: Host, settings: Settings, ground: Ground
) -> tuple[list[Probe], list[Probe], set[Place], tuple[int, ...]]:
    """The probes that do what they are to do, those that do not, the rules that were met, and the packets whose
    answers are to be seen: NAT has to be undone for them.
    """
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
            if (probe.place in way.met()) is not probe.decides and probe.about != BY_LOT:
                wrong.append(probe)
        else:
            if not wrong:
                return probes, failed, met, tuple(changed.values())[:_MOST_ANSWERS]
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
