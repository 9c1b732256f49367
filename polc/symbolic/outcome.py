"""What a function of packets gives: the end of a packet's way through a hook, and what was done to it on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, Flag, auto

from polc.ir.intervals import Intervals
from polc.ir.ruleset import Hook
from polc.ir.statements import Statement
from polc.ir.verdicts import Accept, Drop, NatKind, Queue, Reject


class Watch(Flag):
    """What is part of outcomes besides verdict, NAT and queues.

    LOG: lines of logs, in their order. COUNTER: named counters. MARK: both marks as they are in the end. PACKET: what
    else is changed in the packet (DSCP, hops, MSS, options, priority), copies, traces, and ``tproxy``. SET: changes of
    named sets. FLOW: helpers, timeouts, zones, exemptions from conntrack, offloading. STATE: which limits, counts,
    lists and opaque matches were asked: where two rulesets ask them of different packets, equal answers prove nothing.
    """

    NOTHING = 0
    LOG = auto()
    COUNTER = auto()
    MARK = auto()
    PACKET = auto()
    SET = auto()
    FLOW = auto()
    STATE = auto()
    EVERYTHING = LOG | COUNTER | MARK | PACKET | SET | FLOW | STATE


class Way(Enum):
    """Ends within chains: ON goes on with the next rule, LEFT has left the chain undecided."""

    ON = "on"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Stolen:
    """The kernel keeps the packet and answers it itself: synproxy."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The packet has come to words into which nothing here looks: where it goes and what is done to it, only the
    kernel knows. Never equal to anything in a comparison, another one of the same words included: what comes after may
    be different.
    """

    words: str


Verdict = Accept | Drop | Reject | Stolen | Unknown


@dataclass(frozen=True, slots=True)
class Binding:
    """NAT of a new flow, as a rule asks for it. One address and one port are exact, ranges are pools of which the
    kernel chooses; None: as they are. ``masquerade`` and ``redirect`` take an address of the host. Of netmap, the
    prefix that replaces the packet's own.
    """

    hook: Hook
    kind: NatKind
    addresses: tuple[int, int] | None = None
    ports: tuple[int, int] | None = None
    flags: tuple[str, ...] = ()

    @property
    def source(self) -> bool:
        """Whether it is about the source."""
        return self.kind in (NatKind.SNAT, NatKind.MASQUERADE, NatKind.NETMAP_SOURCE)


class Operation(Enum):
    """``ADD`` ends at the highest value, and a negative one at 0; ``LEAST`` takes the smaller; ``FLIP`` 0 for 1."""

    ADD = "add"
    LEAST = "least"
    FLIP = "flip"


@dataclass(frozen=True, slots=True)
class Derived:
    """A variable's new value: what another one (or itself) was, after ``operations`` in order, each with a number;
    ``highest`` is the highest value of the variable.
    """

    source: int
    operations: tuple[tuple[Operation, int], ...] = ()
    highest: int = 1

    def of(self, value: int) -> int:
        """What it is where the source is ``value``."""
        for operation, amount in self.operations:
            match operation:
                case Operation.ADD:
                    value = max(0, min(self.highest, value + amount))
                case Operation.LEAST:
                    value = min(value, amount)
                case Operation.FLIP:
                    value = 1 - value
        return value

    def leading_to(self, low: int, high: int) -> Intervals:
        """The values of the source for which it is in ``low..high``."""
        for operation, amount in reversed(self.operations):
            match operation:
                case Operation.ADD:
                    # What would be beyond an end is that end.
                    top = self.highest if high == self.highest else high - amount
                    bottom = 0 if low == 0 else low - amount
                    low, high = max(bottom, 0), min(top, self.highest)
                case Operation.LEAST:
                    if low > amount:
                        return Intervals()
                    high = self.highest if high >= amount else high
                case Operation.FLIP:
                    low, high = 1 - high, 1 - low
            if low > high:
                return Intervals()
        return Intervals(((low, high),))


Change = int | Derived
"""A variable's new value: a number, or what it comes from."""

Changes = tuple[tuple[int, Change], ...]
"""By number of variable, sorted."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A stateful match was asked; ``state`` names what it keeps."""

    state: object


Effect = Statement | Evaluated | Queue


@dataclass(frozen=True, slots=True)
class Step:
    """How far a packet has come within a hook, and what has become of it so far."""

    end: Way | Verdict
    changes: Changes = ()
    effects: tuple[Effect, ...] = ()
    nat: tuple[Binding, ...] = ()

    def then(self, other: Step | None) -> Step:
        """This, and after it the other; None: nothing more."""
        if other is None:
            return self
        return Step(
            other.end, composed(self.changes, other.changes), self.effects + other.effects, self.nat + other.nat
        )

    def ending(self, end: Way | Verdict) -> Step | None:
        """The same with another end; None where it goes on and nothing has happened."""
        if end is Way.ON and not (self.changes or self.effects or self.nat):
            return None
        return Step(end, self.changes, self.effects, self.nat)


def composed(first: Changes, second: Changes) -> Changes:
    """``second`` after ``first``, as changes of the point before both."""
    if not first:
        return second
    found: dict[int, Change] = dict(first)
    for variable, change in second:
        if isinstance(change, Derived):
            was = dict(first).get(change.source)
            if isinstance(was, Derived):
                change = Derived(was.source, was.operations + change.operations, change.highest)
            elif was is not None:
                change = change.of(was)
        found[variable] = change
    return sorted_changes(found)


def sorted_changes(changes: Mapping[int, Change]) -> Changes:
    """Without those that change nothing."""
    return tuple(
        (variable, change)
        for variable, change in sorted(changes.items())
        if not (isinstance(change, Derived) and change.source == variable and not change.operations)
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a packet at a hook, or on a whole way.

    ``changes``: new values of the variables that are watched, by their numbers, where they differ from what was there;
    ``effects`` those that are watched, and queues always: a packet that a program lets go has the rest of the outcome.
    """

    verdict: Verdict
    nat: tuple[Binding, ...] = ()
    effects: tuple[Effect, ...] = ()
    changes: Changes = ()

    @property
    def accepted(self) -> bool:
        """Whether rules let the packet go on; NAT may still find no free port, and a queue's program may drop it."""
        return isinstance(self.verdict, Accept)

    @property
    def known(self) -> bool:
        """Whether it is known what becomes of the packet."""
        return not isinstance(self.verdict, Unknown)


def sorted_effects(effects: Iterable[Effect]) -> tuple[Effect, ...]:
    """By kind: the order of effects counts among those of one kind alone."""
    return tuple(sorted(effects, key=lambda one: type(one).__name__))
