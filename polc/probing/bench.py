"""Tries packets in the simulator, each as if nothing had come before it: as rules are, or as if one were not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from polc.ir.matches import Match
from polc.ir.ruleset import Ruleset
from polc.probing.model import Place
from polc.probing.paths import Links
from polc.probing.told import Told, of_outcome
from polc.probing.watch import Way
from polc.simulate.engine import Simulator
from polc.simulate.hooks import Loaded
from polc.simulate.outcome import Outcome
from polc.simulate.packet import Packet
from polc.simulate.settings import Settings
from polc.simulate.steps import Send


@dataclass(frozen=True, slots=True)
class Trial:
    """The way of the last of some packets, and what became of it."""

    way: Way
    outcome: Outcome


class Bench:
    """Tries packets as if nothing had come before them. ``start`` is the time of day."""

    def __init__(self, loaded: tuple[Loaded, ...], links: Links, settings: Settings, start: float) -> None:
        self.loaded = loaded
        self.links = links
        self.settings = settings
        self.start = start
        self._plain: Simulator | None = None
        self._other: Simulator | None = None
        self._said: tuple[Place, int | None, bool] | None = None

    def tried(self, packets: Sequence[Packet]) -> Trial:
        """The way of the last of some packets, and what becomes of it."""
        self._plain = self._ready(self._plain)
        return _sent(self._plain, packets)

    def tells(self, packets: Sequence[Packet], place: Place, at: int | None = None) -> bool:
        """Whether something else would become of the last packet if no packet met the rule at a place; or, where ``at``
        is one of its matches by number, if that one held for every packet.
        """
        expected = of_outcome(self.tried(packets).outcome)
        self._said = (place, at, at is not None)
        self._other = self._ready(self._other, said=True)
        return of_outcome(_sent(self._other, packets).outcome) != expected

    def without(self, packets: Sequence[Packet], place: Place) -> Trial:
        """The way of the last of some packets if no packet met the rule at a place."""
        self._said = (place, None, False)
        self._other = self._ready(self._other, said=True)
        return _sent(self._other, packets)

    def held(self, packets: Sequence[Packet], place: Place, at: int) -> Trial:
        """The way of the last of some packets if the match number ``at`` of a rule held for every packet."""
        self._said = (place, at, True)
        self._other = self._ready(self._other, said=True)
        return _sent(self._other, packets)

    def told(self, packets: Sequence[Packet]) -> Told:
        """What becomes of the last of some packets."""
        return of_outcome(self.tried(packets).outcome)

    def _ready(self, simulator: Simulator | None, *, said: bool = False) -> Simulator:
        if simulator is None:
            presume = self._answer if said else None
            return Simulator(self.loaded, self.links.host, self.settings, start=self.start, presume=presume)
        simulator.forget()
        return simulator

    def _answer(self, ruleset: Ruleset, chain: str, number: int, at: int, match: Match) -> bool | None:
        if self._said is None or self._said[0] != (chain, number) or self._said[1] not in (None, at):
            return None
        return self._said[2]


def _sent(simulator: Simulator, packets: Sequence[Packet]) -> Trial:
    for packet in packets[:-1]:
        simulator.do(Send(packet))
    way = Way()
    outcome = simulator.do(Send(packets[-1]), way)
    assert outcome is not None
    return Trial(way, outcome)
