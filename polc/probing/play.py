"""Plays probes on real hosts and in the simulator, and compares what becomes of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from polc.backends.model import Output
from polc.ir.ruleset import Hook, Ruleset
from polc.ir.stateful import Connections
from polc.kernel.loaders import Loader
from polc.kernel.stage.fate import Fate, Verdict
from polc.kernel.stage.stage import Stage
from polc.probing.contents import with_fillings
from polc.probing.counted import miscounted
from polc.probing.lots import BY_LOT, other_than
from polc.probing.model import Place, Probe, Scene
from polc.probing.scratch import on_stage
from polc.probing.told import UNKNOWN, Told, of_fate, of_outcome
from polc.probing.watch import Way
from polc.simulate.engine import Simulator
from polc.simulate.hooks import Loaded
from polc.simulate.outcome import Fate as Expected
from polc.simulate.outcome import Outcome
from polc.simulate.packet import Packet
from polc.simulate.replies import reply_to
from polc.simulate.settings import Settings
from polc.simulate.steps import Reply, Send

ANSWER = "the answer of the other end"

_TICKS = 0.04
"""Seconds within which any kernel's clock ticks twice, at 100 Hz too."""

_TICK = 0.004
"""Seconds of a tick of the kernel's clock, at 250 Hz."""

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
    rulesets: Sequence[Ruleset] = (),
) -> list[Fate]:
    """Load an output on a host of the scene's own and send the packets of all probes, with a ``pause`` of seconds
    before one of a flow that another one was of, and the answers to those that are to be answered. ``rulesets`` are
    what is loaded, where the scene fills sets of theirs.

    Raises:
        Failure: POL601 to POL603, POL610: this machine, or this loader, cannot do it.
    """
    with Stage(scene.host, settings) as stage:
        stage.join(scene.packets)
        stage.load(loader, output)
        stage.furnish(loader, rulesets, scene.fillings)
        fates: list[Fate] = []
        for some in sendings(stage, scene, pause):
            fates += some
            sent(len(fates))
        return fates


def sendings(stage: Stage, scene: Scene, pause: float = 0.0, chunk: int = 512) -> Iterator[list[Fate]]:
    """The fates of a scene's packets and answers on a stage where rules are loaded, in order, about ``chunk`` at a
    time: each is sent only when it is asked for.
    """
    fates: list[Fate] = []
    waiting: list[Packet] = []
    for probe in scene.probes:
        if probe.after and waiting:
            yield (some := stage.put_all(waiting, pause))
            fates, waiting = fates + some, []
        if probe.after:
            time.sleep(probe.after)
        # What belongs together is sent together: limits look at the clock.
        waiting += probe.packets
        if len(waiting) >= chunk:
            yield (some := stage.put_all(waiting, pause))
            fates, waiting = fates + some, []
    if waiting:
        yield (some := stage.put_all(waiting, pause))
        fates += some
    if scene.answered:
        yield _answers(stage, [fates[number] for number in scene.answered], pause)


def _answers(stage: Stage, asked: Sequence[Fate], pause: float) -> list[Fate]:
    """What becomes of the answers; that to a packet which nobody got is lost from the beginning."""
    got = [one for one in asked if one.seen is not None]
    fates = iter(stage.put_all([reply_to(one.sent, one.seen, Reply(), described=True) for one in got], pause))
    lost = (Fate(one.sent, Verdict.DROP, at=one.at, by=one.by) for one in asked)
    return [next(fates) if one.seen is not None else nothing for one, nothing in zip(asked, lost, strict=True)]


def pause_for(rulesets: Iterable[Ruleset]) -> float:
    """Seconds before another packet of a flow. Where connections are counted it is more than a tick of the kernel's
    clock: within one it counts a flow again for each of its packets (net/netfilter/nf_conncount.c, __nf_conncount_add).
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
) -> Iterator[tuple[Outcome, Way]]:
    """What becomes of the packets in the simulator when they are sent at these ``times``, and their ways; then of the
    answers. Where there are fewer times than packets it is that of the first ones.
    ``later`` seconds are added between the packets, or taken away: of that as much as there is of a tick between them.
    """
    simulator = Simulator(with_fillings(loaded, scene.fillings), scene.host, on_stage(settings), start=time.time())
    before = times[0] if times else 0.0
    outcomes: list[Outcome] = []
    packets = scene.packets
    for number, at in enumerate(times):
        gap = at - before
        simulator.wait(max(0.0, gap + later * min(1.0, gap / _TICK)))
        before = at
        if number < len(packets):
            packet: Packet | None = packets[number]
        else:
            packet = answer_to(outcomes[scene.answered[number - len(packets)]])
        way = Way()
        outcome = _unanswered(packets[0]) if packet is None else simulator.do(Send(packet), way)
        assert outcome is not None
        outcomes.append(outcome)
        yield outcome, way


def _unanswered(packet: Packet) -> Outcome:
    return Outcome(packet, Expected.UNKNOWN, Hook.INPUT, None, "nothing answers", None, None, False, None, None)


def answer_to(outcome: Outcome) -> Packet | None:
    """What the other end gives for an answer; None: nobody got the packet, or nothing answers it."""
    try:
        return None if outcome.leaves is None else reply_to(outcome.packet, outcome.leaves, Reply(), described=True)
    except ValueError:
        return None


def played(
    scene: Scene, loaded: Sequence[Loaded], fates: Sequence[Fate], settings: Settings | None = None
) -> list[Played]:
    """What was seen beside what was expected, for each packet and answer that was sent: all of them, or the first."""
    times = [one.at for one in fates]
    of_packet = [(probe, packet) for probe in scene.probes for packet in probe.packets]
    of_packet += [
        (replace(of_packet[one][0], about=ANSWER), fates[at].sent) for at, one in _numbered(scene) if at < len(fates)
    ]
    outcomes = list(expected(scene, loaded, times, settings))
    told = [of_outcome(outcome) for outcome, _ in outcomes]
    seen = [of_fate(fate) for fate in fates]
    certain = [True] * len(told)
    if any(one != other for one, other in zip(told, seen, strict=True)):
        given = on_stage(settings)
        clocks = ((later, given, at) for at in (times, *_late(fates)) for later in (_CLOCKS, -_CLOCKS))
        seeds = ((0.0, replace(given, seed=given.seed + seed), times) for seed in _SEEDS)
        rows = [
            [of_outcome(other) for other, _ in expected(scene, loaded, sent, other_settings, later)]
            for later, other_settings, sent in (*clocks, *seeds, (0.0, replace(given, counts_linger=True), times))
        ]
        certain = [all(row[number] == one for row in rows) for number, one in enumerate(told)]
        ways = [way for _, way in outcomes]
        other_fate = [one != other for one, other in zip(told, seen, strict=True)]
        # Of what went by chance nobody expects more than that it can have gone so.
        certain = [
            sure and not (way.by_chance and other) for sure, way, other in zip(certain, ways, other_fate, strict=True)
        ]
        _spread(certain, times, ways)
        for at, one in list(miscounted([told, *rows], seen, ways, certain)):
            told[at], certain[at] = one, True
    # A copy that a rule sends elsewhere looks like the packet itself, unless that is delivered.
    certain = [
        sure and (not outcome.copies or outcome.delivered) for sure, (outcome, _) in zip(certain, outcomes, strict=True)
    ]
    told = list(_by_lot(scene, told, seen, certain))
    return [
        Played(probe, number, packet, one, other, outcome, tuple(dict.fromkeys(way.met())), sure)
        for number, ((probe, packet), one, other, (outcome, way), sure) in enumerate(
            zip(of_packet[: len(fates)], told, seen, outcomes, certain, strict=True)
        )
    ]


def _late(fates: Sequence[Fate]) -> Iterator[list[float]]:
    """When packets may have been looked at as well: those that were sent together all at their end, and what was sent
    before and behind them at its beginning.
    """
    groups = [number for number, (_, group) in enumerate(groupby(fates, key=lambda one: one.by)) for _ in group]
    for odd in (0, 1):
        yield [one.by if number % 2 == odd else one.at for number, one in zip(groups, fates, strict=True)]


def _spread(certain: list[bool], times: Sequence[float], ways: Sequence[Way]) -> None:
    """Where nobody knows whether a packet has found the last token, nobody knows whether the next one does."""
    until: dict[object, float] = {}
    for number, (at, way) in enumerate(zip(times, ways, strict=True)):
        if not certain[number]:
            until.update((bucket, at + seconds + 2 * _CLOCKS) for bucket, seconds in way.buckets)
        elif any(at <= until.get(bucket, 0.0) for bucket, _ in way.buckets):
            certain[number] = False


def _by_lot(scene: Scene, told: Sequence[Told], seen: Sequence[Told], certain: list[bool]) -> list[Told]:
    """What is expected of packets, where it is left to chance: what was seen, as long as they are not all alike. Then
    the last one should have become something else.
    """
    found, end = list(told), 0
    for probe in scene.probes:
        begin, end = end, end + len(probe.packets)
        if probe.about != BY_LOT or end > len(seen):
            continue
        missing = other_than(seen[begin:end], told[begin:end])
        certain[end - 1] = True
        if missing is not None:
            found[end - 1] = missing
        else:
            found[begin:end] = seen[begin:end]
            certain[begin:end] = [True] * len(probe.packets)
    return found


def _numbered(scene: Scene) -> Iterable[tuple[int, int]]:
    """The number of each answer, and of what it answers."""
    return enumerate(scene.answered, len(scene.packets))
