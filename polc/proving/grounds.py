"""A firewall as functions of packets of one family, and classes of packets as sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from polc.ir.family import FAMILIES, Family
from polc.ir.intervals import Intervals
from polc.ir.ruleset import RegularChain, Rule, Ruleset, TableFamily
from polc.ir.selectors import Element
from polc.ir.way import Way
from polc.policy.lower.classes import OPENS, SEGMENTS, Packets
from polc.proving.prepare import of_family
from polc.symbolic.chains import Chains
from polc.symbolic.diagram import HOLDS, Node
from polc.symbolic.hooks import Hooks, Loaded
from polc.symbolic.outcome import Outcome, Watch
from polc.symbolic.space import Of, Set, Space

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
    about, ``contents`` the elements of named sets, where they are given.
    """

    def __init__(
        self,
        sides: Sequence[Sequence[Loaded]],
        family: Family,
        classes: Iterable[Packets] = (),
        *,
        watch: Watch = Watch.NOTHING,
        contents: Mapping[str, tuple[Element, ...]] | None = None,
        budget: int = BUDGET,
    ) -> None:
        self.family = family
        loaded = [[Loaded(of_family(one.ruleset, family), one.flavour) for one in side] for side in sides]
        own = tuple(one.ruleset for side in loaded for one in side)
        self._probe = Ruleset((RegularChain("classes", tuple(_rules(classes))),))
        self.space = Space(family, (*own, self._probe), budget=budget)
        # State is told apart by what the firewalls have in common, and the classes have none.
        self.space.rulesets = own
        self.sides = tuple(Hooks(self.space, side, watch, contents) for side in loaded)
        self._chains = Chains(self.space, self._probe)

    def outcomes(self, way: Way, side: int = 0) -> Node:
        """What becomes of every packet that comes to the section of a way."""
        return self.sides[side].outcomes(way.hook)

    def members(self, packets: Packets | None, way: Way, *, opening: bool = False) -> Set:
        """The packets of a class (None: all) that can come to the section of a way."""
        manager = self.space.manager
        found = HOLDS
        if packets is not None:
            found = manager.first_of(self._chains.condition(rule) for rule in packets.rules.get(way, ()))
        if opening:
            first = manager.over(manager.complement(self._chains.match(SEGMENTS)), self._chains.match(OPENS))
            whole = manager.within(self.space.variable(Of.FRAGMENT).number, Intervals.single(0))
            found = manager.all_of((found, first, whole))
        # What can be is asked last: about the variables that functions have made by then.
        for side in range(len(self.sides)):
            self.outcomes(way, side)
        return manager.where(found, self.sides[0].valid(way.hook))

    def having(self, way: Way, wanted: object, side: int = 0) -> Set:
        """The packets whose outcome is wanted: a predicate on ``Outcome``."""
        assert callable(wanted)

        def holds(value: object) -> bool:
            return isinstance(value, Outcome) and bool(wanted(value))

        return self.space.manager.chosen(self.outcomes(way, side), holds)

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


def _rules(classes: Iterable[Packets]) -> Iterable[Rule]:
    yield Rule((OPENS,), None)
    for packets in classes:
        for rules in packets.rules.values():
            yield from rules
