"""Which rules a packet came to and met: as the simulator's tracer, without the words, and so as quick as without it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from polc.ir.ruleset import Hook
from polc.ir.verdicts import Drop
from polc.probing.model import Place
from polc.simulate.chains import ChainCode, Decision
from polc.simulate.counting import HotDrop
from polc.simulate.ends import Leave
from polc.simulate.flight import Flight
from polc.simulate.unknown import OnlyKernelKnows


@dataclass(slots=True)
class Run:
    """One base chain's turn: the rules that were met in it and below it, in order, and for each chain that was gone
    through at which rule that ended (None: at its end).
    """

    chain: str
    met: list[Place] = field(default_factory=list)
    ends: list[tuple[str, int | None]] = field(default_factory=list)

    def came_to(self, place: Place) -> bool:
        return any(name == place[0] and (end is None or end >= place[1]) for name, end in self.ends)


@dataclass(slots=True)
class Way:
    """A watcher for ``Simulator.send``: the turns of base chains, in order; the ``buckets`` that were asked, with the
    seconds that a token takes to come; and whether it went ``by_chance``. Give each packet a new one.
    """

    runs: list[Run] = field(default_factory=list)
    buckets: list[tuple[object, float]] = field(default_factory=list)
    by_chance: bool = False
    _depth: int = 0

    def met(self) -> Iterator[Place]:
        return (place for run in self.runs for place in run.met)

    def came_to(self, place: Place) -> bool:
        return any(run.came_to(place) for run in self.runs)

    def hook(self, hook: Hook, flight: Flight) -> None:
        pass

    def policy(self, decision: Decision) -> None:
        pass

    def drawn(self) -> None:
        self.by_chance = True

    def asked(self, bucket: object, seconds: float) -> None:
        self.buckets.append((bucket, seconds))

    def walk(self, chain: ChainCode, flight: Flight) -> Decision | Leave | None:
        """As ``ChainCode.run``."""
        if self._depth == 0:
            self.runs.append(Run(chain.chain.name))
        self._depth += 1
        try:
            return self._walk(chain, flight, self.runs[-1])
        finally:
            self._depth -= 1

    def _walk(self, chain: ChainCode, flight: Flight, run: Run) -> Decision | Leave | None:
        name = chain.chain.name
        for test, action, code in chain.by_protocol.get(flight.protocol, chain.others):
            try:
                if test(flight):
                    run.met.append((name, code.number))
                    found = action(flight)
                    if found is not None:
                        run.ends.append((name, code.number))
                        return found
            except OnlyKernelKnows as unknown:
                run.ends.append((name, code.number))
                unknown.decision = unknown.decision or code.decision
                raise
            except HotDrop:
                run.ends.append((name, code.number))
                return Decision(Drop(), code.decision.chain, code.rule, code.number, code.rule.origin)
        run.ends.append((name, None))
        return None
