"""The packets of one family that two firewalls treat differently, box by box."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from polc.diffing.boxes import Box, Boxes
from polc.diffing.changes import Change, Kind, change_of
from polc.diffing.contents import known_contents
from polc.diffing.roads import Road, roads
from polc.diffing.sides import Options, Side
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.protocols import ICMP, ICMPV6, PORT_PROTOCOLS, TCP
from polc.ir.ruleset import Hook, Ruleset
from polc.ir.statements import Native, Notrack, OpaqueStatement
from polc.symbolic.diagram import Node, OverBudget
from polc.symbolic.hooks import Hooks, Loaded
from polc.symbolic.outcome import Outcome, Watch
from polc.symbolic.space import DEFAULT_ORDER, ESTABLISHED, NEW, PROTOCOL_FIRST, UNTRACKED, Of, Order, Set, Space
from polc.symbolic.wellformed import NOT_TRACKED

EFFECTS = Watch.LOG | Watch.COUNTER | Watch.MARK | Watch.PACKET | Watch.SET | Watch.FLOW
_ORDERS: tuple[Order, ...] = (DEFAULT_ORDER, PROTOCOL_FIRST)
"""Of the variables; the second one is tried where the first takes too many nodes."""
_WORK = 250_000
"""Steps that go into looking for regions on one way, of some microseconds each, where not all of them are shown."""
_WIDENED: dict[Of, int] = {
    # First what people least want to read of; addresses and services last, so that they are as wide as they can be.
    Of.CT: 1, Of.FRAGMENT: 1, Of.FLAGS: 1, Of.STATUS: 1, Of.BOUND: 1, Of.SPORT: 2, Of.CODE: 3, Of.TYPE: 3,
    Of.OIF: 4, Of.IIF: 5, Of.SADDR: 6, Of.DADDR: 7, Of.DPORT: 8, Of.PROTOCOL: 9,
}  # fmt: skip
_ASSUMED: dict[Of, str] = {
    Of.ANSWER: "limits, counts and opaque matches with the same parameters answer alike on both sides",
    Of.MEMBER: "named sets hold the same on both sides, whatever that is",
    Of.LATE: "what the kernel chooses (addresses of the host and of pools, ports) is the same on both sides",
    Of.ROUTE: "the routing table is the same on both sides",
    Of.ADDRESS_TYPE: "the routing table is the same on both sides",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A box, and what its numbers mean. ``members`` are all packets that change so, in the box or not; ``functions``
    give the outcome of each packet on both sides; ``weight`` is the share of all packets.
    """

    space: Space
    road: Road
    change: Change
    box: Box
    members: Set
    functions: tuple[Node, Node]
    weight: float


@dataclass(slots=True)
class Search:
    """Looks for what differs; ``rulesets`` are those of both sides, prepared for the family. ``undecided`` and
    ``assumed`` are sentences; ``complete`` False: there are more boxes. ``space`` is the last one that was made.
    """

    family: Family
    sides: tuple[Side, Side]
    rulesets: tuple[tuple[Ruleset, ...], tuple[Ruleset, ...]]
    options: Options
    undecided: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    complete: bool = True
    space: Space | None = None

    def run(self) -> Iterator[Part]:
        """Boxes that no two of have a packet in common."""
        left = roads(one for side in self.rulesets for one in side)
        for order in _ORDERS:
            space, hooks = self._hooks(order)
            over: list[Road] = []
            for road in left:
                try:
                    yield from list(self._road(space, road, *hooks))
                except OverBudget:
                    over.append(road)
            if not over:
                return
            left = tuple(over)
        self.undecided += [f"{road.name}: undecided within {self.options.budget} nodes" for road in left]

    def _hooks(self, order: Order) -> tuple[Space, tuple[Hooks, Hooks]]:
        rulesets = self.rulesets
        space = self.space = Space(
            self.family, (*rulesets[0], *rulesets[1]), order=order, budget=self.options.budget
        )  # fmt: skip
        watch = EFFECTS if self.options.effects else Watch.NOTHING
        before, after = (
            Hooks(
                space, [Loaded(*one) for one in zip(own, side.flavours, strict=True)], watch,
                known_contents(side.rulesets, side.given),
            )
            for own, side in zip(rulesets, self.sides, strict=True)
        )  # fmt: skip
        return space, (before, after)

    def _road(self, space: Space, road: Road, left: Hooks, right: Hooks) -> Iterator[Part]:
        manager = space.manager
        functions = _of_other_flows(space, road.outcomes(left)), _of_other_flows(space, road.outcomes(right))
        unknown = manager.chosen(functions[0], lambda one: isinstance(one, Outcome) and not one.known)
        # Two that are unknown in the same words are never taken to be the same.
        different = manager.over(manager.differs(*functions), unknown)
        valid = manager.minus(road.valid(left), self._never(space))
        pairs = manager.where(manager.where(valid, different), manager.pairs(*functions))
        changes = manager.mapped(pairs, lambda one: _change(space, one))
        wanted: dict[Change, Boxes] = {}
        members: dict[Change, Set] = {}
        order = sorted(range(len(space.variables)), key=lambda one: _WIDENED.get(space.variables[one].of, 0))
        exact = frozenset(space.variable(of).number for of in (Of.IIF, Of.OIF, Of.CT, Of.PROTOCOL))
        for change in manager.values(changes):
            assert isinstance(change, Change)
            if change.kind is Kind.UNKNOWN:
                self._note(self.undecided, f"{road.name}: {change.before}; what comes after that is not compared")
                continue
            members[change] = manager.select(changes, change)
            wanted[change] = Boxes(manager, members[change], manager.complement(valid), order, exact)
            self._assume(space, members[change])
        if wanted and (left.translates or right.translates):
            self._note(self.assumed, _BEFORE)
        while wanted:
            # Each change has its turns, so that none of them goes unseen where there are too many regions.
            change = min(wanted, key=lambda one: wanted[one].work)
            boxes = wanted[change]
            weight = boxes.weight
            box = boxes.take()
            if box is None:
                del wanted[change]
                continue
            yield Part(space, road, change, box, members[change], functions, weight - boxes.weight)
            if self.options.most and sum(one.work for one in wanted.values()) > _WORK:
                self.complete = False
                return

    def _assume(self, space: Space, members: Set) -> None:
        for number in sorted(space.manager.support(members)):
            words = _ASSUMED.get(space.variables[number].of)
            if words is not None:
                self._note(self.assumed, words)

    def _note(self, notes: list[str], words: str) -> None:
        if words not in notes:
            notes.append(words)

    def _never(self, space: Space) -> Set:
        """Packets that there are none of. What a packet does not have is 0, so that it is one point alone.

        ICMP of the other family has no flow (net/netfilter/nf_conntrack_proto_icmp.c, nf_conntrack_icmp_packet; icmpv6
        likewise). Where no rule exempts packets from conntrack, those alone are untracked which it never tracks
        (nf_conntrack_proto_icmpv6.c, nf_conntrack_icmpv6_error).
        """
        manager = space.manager
        nothing = manager.first_of(_without_header(space))
        foreign = space.within(space.variable(Of.PROTOCOL), ICMPV6 if space.family is Family.IP else ICMP)
        flows = manager.within(space.variable(Of.CT).number, Intervals(((ESTABLISHED, NEW),)))
        never = manager.where(foreign, flows)
        if any(_exempts(one) for side in self.sides for one in side.rulesets):
            return manager.over(nothing, never)
        untracked = space.within(space.variable(Of.CT), UNTRACKED)
        if space.family is Family.IP6:
            kinds = manager.within(space.variable(Of.TYPE).number, Intervals.of((one, one) for one in NOT_TRACKED))
            discovery = manager.where(space.within(space.variable(Of.PROTOCOL), ICMPV6), kinds)
            untracked = manager.minus(untracked, discovery)
        return manager.first_of((nothing, never, untracked))


_BEFORE = "of flows that began before, those are compared that nat has not changed"


def _of_other_flows(space: Space, function: Node) -> Node:
    """The function where NAT has done nothing to flows before: of those that it has changed, what it did to their
    first packets is compared, and not whatever the flows of some earlier ruleset may be changed to.
    """
    manager = space.manager
    for number in sorted(manager.support(function)):
        variable = space.variables[number]
        if variable.of is not Of.LATE:
            continue
        match variable.detail:
            case "bound as its master":
                function = manager.restricted(function, number, 0)
            case (Of() as of, Hook()):
                same = _as_it_is(space, space.variable(of).number)
                function = manager.substituted(function, number, same)
            case _:
                pass
    return function


def _as_it_is(space: Space, variable: int) -> Callable[[int, int], Set]:
    return lambda low, high: space.manager.within(variable, Intervals(((low, high),)))


def _without_header(space: Space) -> Iterator[Set]:
    """Points with a port, type or flag in packets that have no such header."""
    manager = space.manager
    whole = space.within(space.variable(Of.FRAGMENT), 0)
    icmp = ICMP if space.family is Family.IP else ICMPV6
    for protocols, kinds in (
        (PORT_PROTOCOLS, (Of.SPORT, Of.DPORT)),
        ((icmp,), (Of.TYPE, Of.CODE)),
        ((TCP,), (Of.FLAGS,)),
    ):
        having = manager.within(space.variable(Of.PROTOCOL).number, Intervals.of((one, one) for one in protocols))
        lacking = manager.complement(manager.where(whole, having))
        for kind in kinds:
            variable = space.variable(kind)
            if variable.highest:
                yield manager.where(lacking, space.within(variable, 1, variable.highest))


def _change(space: Space, pair: object) -> Change | None:
    if not isinstance(pair, tuple):
        return None
    before, after = pair
    return change_of(space, before, after)


def _exempts(ruleset: Ruleset) -> bool:
    """Native words may do anything."""
    return any(isinstance(one, Notrack | Native | OpaqueStatement) for one in _statements(ruleset))


def _statements(ruleset: Ruleset) -> Iterable[object]:
    return (one for chain in ruleset.chains for rule in chain.rules for one in rule.statements)
