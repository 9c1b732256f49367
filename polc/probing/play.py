"""Plays probes on real hosts and in the simulator, and compares what becomes of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from polc.backends.model import Output
from polc.ir.ruleset import Ruleset
from polc.ir.stateful import Connections
from polc.kernel.loaders import Loader
from polc.kernel.stage.fate import Fate
from polc.kernel.stage.stage import Stage
from polc.probing.model import Place, Probe, Scene
from polc.probing.told import UNKNOWN, Told, of_fate, of_outcome
from polc.probing.watch import Way
from polc.simulate.engine import Simulator
from polc.simulate.hooks import Loaded
from polc.simulate.outcome import Outcome
from polc.simulate.packet import Packet
from polc.simulate.settings import Settings
from polc.simulate.steps import Send

_TICKS = 0.04
"""Seconds within which any kernel's clock ticks twice, at 100 Hz too."""

_SEEDS = (1, 2, 3, 4)
"""Other chances for what rules leave to chance."""

_CLOCKS = 0.012
"""Seconds by which the clocks of the kernel's own ticks and of this process may differ: three ticks at 250 Hz."""


@dataclass(frozen=True, slots=True)
class Played:
    """A packet of a probe, the ``number``th of its scene from 0, what was expected of it, and what was seen. ``met``
    are the rules that it meets in the simulator. ``certain``: the expectation hangs neither on
    milliseconds nor on chance.
    """

    probe: Probe
    number: int
    packet: Packet
    expected: Told
    seen: Told
    outcome: Outcome
    met: tuple[Place, ...]
    certain: bool = True

    @property
    def agrees(self) -> bool:
        return self.expected == self.seen or UNKNOWN in (self.expected.verdict, self.seen.verdict) or not self.certain


def send(
    scene: Scene,
    loader: Loader,
    output: Output,
    settings: Settings | None = None,
    sent: Callable[[int], None] = lambda count: None,
    pause: float = 0.0,
) -> list[Fate]:
    """Load an output on the scene's host and send the packets of all probes, with a ``pause`` of seconds behind each.

    Raises:
        Failure: POL601 to POL603, POL610: this machine, or this loader, cannot do it.
    """
    packets = [packet for probe in scene.probes for packet in probe.packets]
    fates: list[Fate] = []
    with Stage(scene.host, settings) as stage:
        stage.join(packets)
        stage.load(loader, output)
        for at in range(0, len(packets), _CHUNK):
            fates += stage.put_all(packets[at : at + _CHUNK], pause)
            sent(len(fates))
    return fates


_CHUNK = 512


def pause_for(rulesets: Iterable[Ruleset]) -> float:
    """Seconds between packets. Where connections are counted it is more than a tick of the kernel's clock: within one
    it counts a flow again for each of its packets (net/netfilter/nf_conncount.c, __nf_conncount_add).
    """
    counted = any(
        isinstance(match, Connections)
        for ruleset in rulesets
        for chain in ruleset.chains
        for rule in chain.rules
        for match in rule.matches
    )
    return _TICKS if counted else 0.0


def expected(
    scene: Scene,
    loaded: Sequence[Loaded],
    times: Sequence[float],
    settings: Settings | None = None,
    later: float = 0.0,
) -> Iterator[tuple[Outcome, tuple[Place, ...]]]:
    """What becomes of the packets in the simulator when they are sent at these ``times``, and which rules they meet.
    ``later`` seconds are added between the packets, as far as there is time between them, or taken away.
    """
    simulator = Simulator(tuple(loaded), scene.host, settings, start=time.time())
    packets = [packet for probe in scene.probes for packet in probe.packets]
    before = times[0] if times else 0.0
    for packet, at in zip(packets, times, strict=True):
        simulator.wait(max(0.0, at - before + later))
        before = at
        way = Way()
        outcome = simulator.do(Send(packet), way)
        assert outcome is not None
        yield outcome, tuple(dict.fromkeys(way.met()))


def played(
    scene: Scene, loaded: Sequence[Loaded], fates: Sequence[Fate], settings: Settings | None = None
) -> list[Played]:
    """What was seen beside what was expected, a packet each."""
    times = [one.at for one in fates]
    of_packet = [(probe, packet) for probe in scene.probes for packet in probe.packets]
    outcomes = list(expected(scene, loaded, times, settings))
    told = [of_outcome(outcome) for outcome, _ in outcomes]
    seen = [of_fate(fate) for fate in fates]
    certain = [True] * len(told)
    if any(one != other for one, other in zip(told, seen, strict=True)):
        given = settings or Settings()
        for later, seed in ((_CLOCKS, 0), (-_CLOCKS, 0), *((0.0, seed) for seed in _SEEDS)):
            others = expected(scene, loaded, times, replace(given, seed=given.seed + seed), later)
            certain = [
                sure and of_outcome(other) == one for sure, one, (other, _) in zip(certain, told, others, strict=True)
            ]
    return [
        Played(probe, number, packet, one, other, outcome, met, sure)
        for number, ((probe, packet), one, other, (outcome, met), sure) in enumerate(
            zip(of_packet, told, seen, outcomes, certain, strict=True)
        )
    ]
