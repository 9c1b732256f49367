"""A firewall as functions of packets of one family, and classes of packets as sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from polc.ir.family import FAMILIES, Family
from polc.ir.intervals import Intervals
from polc.ir.matches import Direction, InterfaceMatch, InterfacePattern
from polc.ir.ruleset import BaseChain, Hook, RegularChain, Rule, Ruleset, TableFamily
from polc.ir.selectors import Element
from polc.ir.way import Way
from polc.policy.lower.classes import OPENS, SEGMENTS, Packets
from polc.proving.place import Place
from polc.proving.place import way as way_of
from polc.proving.prepare import of_family, rules_of_family
from polc.proving.replay import follow, hangs_on_choice, replay
from polc.simulate.outcome import Outcome as Simulated
from polc.symbolic.chains import Chains
from polc.symbolic.diagram import HOLDS, NONE, Node
from polc.symbolic.facts import Facts
from polc.symbolic.hooks import Hooks, Loaded
from polc.symbolic.outcome import Changes, Outcome, Step, Watch
from polc.symbolic.sequence import substituted
from polc.symbolic.space import Of, Set, Space
from polc.symbolic.ways import Course, Ways
from polc.symbolic.witness import Witness

BUDGET = 5_000_000
"""Nodes of diagrams that a question may take, about 200 bytes each."""


def families_of(loaded: Iterable[Loaded]) -> tuple[Family, ...]:
    """The families of packets that rulesets speak of."""
    tables = {one.ruleset.family for one in loaded}
    return tuple(
        family
        for family in FAMILIES
        if tables & {TableFamily.INET, TableFamily.NETDEV, TableFamily.IP if family is Family.IP else TableFamily.IP6}
    )


OPAQUE = frozenset({Of.ANSWER, Of.MEMBER, Of.FULL})
"""What is answered by memory, and not by the packet."""


class Grounds:
    """The rulesets of one or several firewalls, for packets of ``family``; ``classes`` are those that will be asked
    about, ``contents`` the elements of named sets, where they are given. ``named``: limits and counts that firewalls
    call the same are the same; else those are that ask the same, in the order in which packets come to them.
    ``interfaces`` are told apart besides those of rules.
    """

    def __init__(
        self,
        sides: Sequence[Sequence[Loaded]],
        family: Family,
        classes: Iterable[Packets] = (),
        *,
        watch: Watch = Watch.NOTHING,
        contents: Mapping[str, tuple[Element, ...]] | None = None,
        named: bool = True,
        interfaces: Iterable[InterfacePattern] = (),
        budget: int = BUDGET,
    ) -> None:
        self.family = family
        loaded = [
            [Loaded(of_family(one.ruleset, family, "" if named else f"{at}:"), one.flavour) for one in side]
            for at, side in enumerate(sides)
        ]
        own = tuple(one.ruleset for side in loaded for one in side)
        # Classes of interfaces are numbered alike in both families, though some rules are of one alone.
        patterns = Facts.of(one.ruleset for side in sides for one in side).patterns | set(interfaces)
        self._probe = Ruleset((RegularChain("classes", tuple(_rules(classes, family, patterns))),))
        self.space = Space(family, (*own, self._probe), budget=budget)
        # State is told apart by what the firewalls have in common, and the classes have none.
        self.space.rulesets = own
        self.sides = tuple(_Hooks(self.space, side, watch, contents) for side in loaded)
        self.ways = tuple(Ways(one) for one in self.sides)
        self._chains = Chains(self.space, self._probe)

    def outcomes(self, place: Place, side: int = 0) -> Node:
        """What becomes of every packet that enters at a place."""
        if place.course is None:
            return self.sides[side].outcomes(place.hook)
        return self.ways[side].outcomes(place.course)

    def valid(self, place: Place) -> Set:
        """The packets that can enter there; asked once all functions are made."""
        return self.sides[0].valid(place.hook) if place.course is None else self.ways[0].valid(place.course)

    def members(self, packets: Packets | None, way: Way, *, opening: bool = False) -> Set:
        """The packets, as they enter, that are of a class (None: of any) where the section of a way sees them."""
        manager = self.space.manager
        found = HOLDS if packets is None else self.of_class(packets, way)
        if opening:
            first = manager.over(manager.complement(self._chains.match(SEGMENTS)), self._chains.match(OPENS))
            whole = manager.within(self.space.variable(Of.FRAGMENT).number, Intervals.single(0))
            found = manager.all_of((found, first, whole))
        found = self._as_entered(found, way)
        # What can be is asked last: about the variables that functions have made by then.
        place = way_of(way)
        for side in range(len(self.sides)):
            self.outcomes(place, side)
        return manager.where(found, self.valid(place))

    def of_class(self, packets: Packets, way: Way) -> Set:
        """The packets of a class, where the section of a way sees them."""
        own = rules_of_family(packets.rules.get(way, ()), self.family)
        return self.space.manager.first_of(self._chains.condition(rule) for rule in own)

    def _as_entered(self, members: Set, way: Way) -> Set:
        """What a section sees, as it was before the hooks in front of it."""
        manager, hooks = self.space.manager, self.sides[0]
        if way is Way.OUTPUT or members in (HOLDS, NONE):
            return members
        before = manager.restricted(hooks.steps(Hook.PREROUTING), self.space.variable(Of.OIF).number, 0)
        parts = [manager.where(manager.select(before, None), members)]
        for step in manager.values(before):
            assert isinstance(step, Step)
            parts.append(manager.where(manager.select(before, step), substituted(manager, members, step.changes)))
        return hooks.begun(manager.first_of(parts))

    def having(self, place: Place, wanted: Callable[[Outcome], bool], side: int = 0) -> Set:
        """The packets whose outcome is wanted."""

        def holds(value: object) -> bool:
            return isinstance(value, Outcome) and wanted(value)

        return self.space.manager.chosen(self.outcomes(place, side), holds)

    def replay(self, place: Place, side: int, witness: Witness) -> Simulated:
        """What the simulator says of it.

        Raises:
            NoReplay: the simulator cannot be brought there.
        """
        if place.course is None and place.hook is Hook.PREROUTING:
            # Where a packet goes afterwards is said by its way: to the host, in which no other chain is then asked.
            alone = _Alone(self._alone(side, place.hook), self.outcomes(place, side))
            return follow(alone, Course.RECEIVED, witness, chosen=True)
        if place.course is None:
            return replay(self.sides[side], place.hook, witness)
        return follow(self.ways[side], place.course, witness, chosen=True)

    def hangs_on_choice(self, place: Place, side: int, witness: Witness) -> bool:
        """Whether its outcome hangs on what the kernel chooses, such as an address of a pool."""
        return hangs_on_choice(self.sides[side], self.outcomes(place, side), witness)

    def _alone(self, side: int, hook: Hook) -> Hooks:
        """A side without the base chains of other hooks."""
        hooks = self.sides[side]
        loaded = []
        for one in hooks.loaded:
            chains = (each for each in one.ruleset.chains if not isinstance(each, BaseChain) or each.hook is hook)
            loaded.append(Loaded(replace(one.ruleset, chains=tuple(chains)), one.flavour))
        return Hooks(self.space, loaded, Watch.NOTHING, hooks.contents)

    def for_some_answers(self, members: Set, but: Set) -> Set:
        """The points that are in a set for some of what memory can say, of what ``but`` does not ask for."""
        kept = self.space.manager.support(but)
        for variable in self.space.variables:
            if variable.of in OPAQUE and variable.number not in kept:
                members = self.space.manager.exists(members, variable.number)
        return members

    def opaque(self, function: Node) -> frozenset[Of]:
        """What of memory a function hangs on."""
        asked = (self.space.variables[one].of for one in self.space.manager.support(function))
        return frozenset(one for one in asked if one in OPAQUE)


class _Hooks(Hooks):
    """Outcomes have changes as they were made: ``alike`` compares what they come to, value by value."""

    def _told(self, outcome: Outcome, changes: Changes) -> Node:
        return self.space.manager.leaf(replace(outcome, changes=changes))


class _Alone(Ways):
    """A way on which one hook alone has chains: what it asks of a packet has to be presumed."""

    def __init__(self, hooks: Hooks, outcomes: Node) -> None:
        super().__init__(hooks)
        self._outcomes = outcomes

    def outcomes(self, course: Course) -> Node:
        return self._outcomes


def _rules(classes: Iterable[Packets], family: Family, patterns: Iterable[InterfacePattern]) -> Iterable[Rule]:
    known = tuple(sorted(patterns))
    yield Rule((OPENS, *((InterfaceMatch(Direction.IN, known),) if known else ())), None)
    for packets in classes:
        for rules in packets.rules.values():
            yield from rules_of_family(rules, family)
