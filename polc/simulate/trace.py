"""The way of a packet, told rule by rule: only where somebody asks, because it takes far longer."""

from __future__ import annotations

from dataclasses import dataclass

from polc.ir.matches import CtState, ElementMatch, Match
from polc.ir.ruleset import Hook, Rule
from polc.ir.statements import MapMark
from polc.ir.verdicts import Drop, NatMap, VerdictMap
from polc.simulate.chains import ChainCode, Code, Decision
from polc.simulate.counting import HotDrop
from polc.simulate.describe import field_of, seen, wanted
from polc.simulate.elements import Lookup
from polc.simulate.ends import Leave
from polc.simulate.fields import key_of
from polc.simulate.flight import Flight
from polc.simulate.packet import Packet
from polc.simulate.unknown import OnlyKernelKnows
from polc.simulate.world import World


@dataclass(frozen=True, slots=True)
class AtHook:
    """The packet comes to a hook, as it is then."""

    hook: Hook
    packet: Packet
    state: CtState | None


@dataclass(frozen=True, slots=True)
class Missed:
    """The match of a rule that did not hold: which field it asks for, what it wants, and what the packet has."""

    match: Match
    field: str
    wanted: str
    seen: str


@dataclass(frozen=True, slots=True)
class Tried:
    """A rule that the packet came to, the ``number``th from 0 of its chain. ``missed`` is None where it met the rule,
    and where that has a map, an element of it.
    ``depth`` is how many jumps lead there; ``unknown`` says what only the kernel knows of it.
    """

    chain: str
    number: int
    rule: Rule
    missed: Missed | None
    depth: int
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class PolicyDecided:
    """No rule of a base chain decided."""

    decision: Decision


Event = AtHook | Tried | PolicyDecided


class Tracer:
    """Give one to ``Simulator.send``; ``events`` are then what happened, in order."""

    def __init__(self, world: World) -> None:
        self.events: list[Event] = []
        self._world = world
        self._depth = 0

    def hook(self, hook: Hook, flight: Flight) -> None:
        self.events.append(AtHook(hook, flight.now(), CtState(flight.state) if flight.tracked else None))

    def policy(self, decision: Decision) -> None:
        self.events.append(PolicyDecided(decision))

    def drawn(self) -> None:
        """The rule says it itself."""

    def asked(self, bucket: object, seconds: float) -> None:
        """The rule says it itself."""

    def walk(self, chain: ChainCode, flight: Flight) -> Decision | Leave | None:
        """As ``ChainCode.run``, and notes each rule."""
        self._depth += 1
        try:
            for code in chain.rules:
                found = self._rule(chain, code, flight)
                if found is not None:
                    return found
            return None
        finally:
            self._depth -= 1

    def _rule(self, chain: ChainCode, code: Code, flight: Flight) -> Decision | Leave | None:
        name, depth = chain.chain.name, self._depth - 1
        try:
            for match, test in code.tests:
                # What a stateful match changes in the packet's favour is not in the packet: look before asking.
                was = seen(match, flight, self._world)
                if not test(flight):
                    missed = Missed(match, field_of(match), wanted(match, flight.family), was)
                    self.events.append(Tried(name, code.number, code.rule, missed, depth))
                    return None
            at, without = len(self.events), self._no_element(code.rule, flight)
            found = code.action(flight)
            # The rule stands before those of the chain that it leads to.
            self.events.insert(at, Tried(name, code.number, code.rule, without, depth))
            return found
        except OnlyKernelKnows as unknown:
            if unknown.decision is None:
                unknown.decision = code.decision
                self.events.append(Tried(name, code.number, code.rule, None, depth, unknown.reason))
            raise
        except HotDrop:
            self.events.append(Tried(name, code.number, code.rule, None, depth))
            return Decision(Drop(), code.decision.chain, code.rule, code.number, code.rule.origin)

    def _no_element(self, rule: Rule, flight: Flight) -> Missed | None:
        """A map of the rule without an element for the packet: there the rule ends."""
        for one in (*rule.statements, rule.verdict):
            if not isinstance(one, VerdictMap | NatMap | MapMark):
                continue
            key = key_of(one.key, self._world)(flight)
            elements = tuple(element for element, _ in one.elements)
            if key is None or Lookup((element, True) for element in elements).get(key) is None:
                match = ElementMatch(one.key, elements)
                return Missed(match, field_of(match), wanted(match, flight.family), seen(match, flight, self._world))
        return None
