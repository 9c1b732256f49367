"""The difference of two firewalls: regions of packets, each with a witness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from polc.diffing.boxes import Box, Boxes
from polc.diffing.changes import Change, Kind, change_of
from polc.diffing.contents import known_contents
from polc.diffing.model import Difference, Region
from polc.diffing.names import Names, joined
from polc.diffing.narrow import narrowed
from polc.diffing.roads import Road, roads
from polc.diffing.shapes import Shape, merged, shape_of
from polc.diffing.witness import Replays, Unshown, show
from polc.ir.family import FAMILIES, Family
from polc.ir.flavour import Flavour
from polc.ir.intervals import Intervals
from polc.ir.matches import CtState, CtStateMatch
from polc.ir.protocols import ICMP, ICMPV6
from polc.ir.ruleset import Ruleset
from polc.ir.statements import Native, Notrack, OpaqueStatement
from polc.proving.prepare import of_family
from polc.symbolic.atoms import Names as Interfaces
from polc.symbolic.diagram import Node, OverBudget
from polc.symbolic.hooks import Hooks, Loaded
from polc.symbolic.outcome import Outcome, Watch
from polc.symbolic.space import ESTABLISHED, NEW, UNTRACKED, Of, Set, Space

EFFECTS = Watch.LOG | Watch.COUNTER | Watch.MARK | Watch.PACKET | Watch.SET | Watch.FLOW
BUDGET = 4_000_000
"""Nodes of diagrams, which take about 200 bytes each."""
_WORK = 250_000
"""Steps that go into looking for regions on one way, which are some microseconds each."""
_FAMILY_WORDS = {Family.IP: "IPv4", Family.IP6: "IPv6"}


@dataclass(frozen=True, slots=True)
class Side:
    """A firewall: its rulesets, all on one host, what it calls things, and the families of which it says anything.
    ``given`` are named sets whose elements somebody vouches for, though they are filled at run time.
    """

    loaded: tuple[Loaded, ...]
    names: Names = field(default_factory=Names)
    families: frozenset[Family] = frozenset(FAMILIES)
    given: frozenset[str] = frozenset()

    @property
    def rulesets(self) -> tuple[Ruleset, ...]:
        return tuple(one.ruleset for one in self.loaded)

    @property
    def flavours(self) -> tuple[Flavour, ...]:
        """Whose words each ruleset is loaded with."""
        return tuple(one.flavour for one in self.loaded)


@dataclass(frozen=True, slots=True)
class Options:
    """``effects``: logs, counters, marks and sets count too. ``most`` regions are shown, all of them where it is 0.
    ``budget`` is in nodes, for each family.
    """

    effects: bool = False
    most: int = 20
    budget: int = BUDGET


@dataclass(frozen=True, slots=True)
class _Part:
    """A box of one family, and what its numbers mean: ``members`` are the packets that change so, in the box or not."""

    space: Space
    road: Road
    box: Box
    members: Set
    functions: tuple[Node, Node]
    weight: float


Found = tuple[tuple[Road, Change], Shape, list[_Part]]


def difference(before: Side, after: Side, options: Options | None = None) -> Difference:
    """What the two treat differently; both see the packets of the families of which both say something.

    Raises:
        Failure: POL902: the simulator does not confirm what was found.
    """
    return _Comparison(before, after, options or Options()).run()


class _Comparison:
    def __init__(self, before: Side, after: Side, options: Options) -> None:
        self.sides = before, after
        self.options = options
        self.families = tuple(one for one in FAMILIES if one in before.families & after.families)
        self.names = joined(before.names, after.names)
        self.undecided: dict[str, None] = {}
        self.assumed: dict[str, None] = {}
        self.complete = True
        self.interfaces = Interfaces(("",))
        self.contents = tuple(known_contents(one.rulesets, one.given) for one in self.sides)

    def run(self) -> Difference:
        before, after = self.sides
        pair: tuple[tuple[Ruleset, ...], tuple[Ruleset, ...]] | None = before.rulesets, after.rulesets
        if before.flavours == after.flavours and before.given == after.given:
            pair = narrowed(before.rulesets, after.rulesets)
        found: dict[tuple[str, Change], list[tuple[Shape, list[_Part]]]] = {}
        if pair is not None:
            for family in self.families:
                for part, change in self._family(family, pair):
                    shape = shape_of(part.space, part.box, self.names)
                    found.setdefault((part.road.name, change), []).append((shape, [part]))
        regions = [(key, shape, parts) for key, shapes in found.items() for shape, parts in merged(shapes, self.names)]
        regions.sort(key=lambda one: (_rank(one[0][1]), _later(one[1]), -sum(part.weight for part in one[2])))
        replays = Replays((before.loaded, after.loaded), self.interfaces.words)
        shown = tuple(self._region(*one, replays) for one in regions[: self.options.most or None])
        return Difference(
            shown, len(regions), self.complete, tuple(self.undecided), tuple(self.assumed), self.families,
            self.interfaces, self.names, any(_asks_states(one) for one in (*before.rulesets, *after.rulesets)),
            _tally(key[1] for key, _, _ in regions),
        )  # fmt: skip

    def _family(
        self, family: Family, whole: tuple[tuple[Ruleset, ...], tuple[Ruleset, ...]]
    ) -> Iterator[tuple[_Part, Change]]:
        pair = tuple(tuple(of_family(one, family) for one in own) for own in whole)
        space = Space(family, (*pair[0], *pair[1]), budget=self.options.budget)
        self.interfaces = space.interfaces
        watch = EFFECTS if self.options.effects else Watch.NOTHING
        left, right = (
            Hooks(space, [Loaded(*one) for one in zip(own, side.flavours, strict=True)], watch, contents)
            for own, side, contents in zip(pair, self.sides, self.contents, strict=True)
        )
        for road in roads((*pair[0], *pair[1])):
            try:
                yield from self._road(space, road, left, right)
            except OverBudget:
                words = f"{road.name}, {_FAMILY_WORDS[family]}: undecided within {self.options.budget} nodes"
                self.undecided[words] = None

    def _road(self, space: Space, road: Road, left: Hooks, right: Hooks) -> Iterator[tuple[_Part, Change]]:
        manager = space.manager
        functions = road.outcomes(left), road.outcomes(right)
        if functions[0] == functions[1] and not _has_unknown(space, functions[0]):
            return
        valid = manager.minus(road.valid(left), self._never(space))
        different = manager.over(manager.differs(*functions), _unknown(space, functions[0]))
        pairs = manager.pairs(*functions)
        changes = manager.mapped(manager.where(manager.where(valid, different), pairs), lambda one: _change(space, one))
        wanted: dict[Change, Boxes] = {}
        exact = frozenset(space.variable(of).number for of in (Of.IIF, Of.OIF, Of.CT))
        order = sorted(range(len(space.variables)), key=lambda one: _ORDER.get(space.variables[one].of, 0))
        for change in manager.values(changes):
            assert isinstance(change, Change)
            members = manager.select(changes, change)
            if change.kind is Kind.UNKNOWN:
                self.undecided[f"{road.name}: {change.before}; what comes after that is not compared"] = None
                continue
            wanted[change] = Boxes(manager, members, manager.complement(valid), order, exact)
            self.assumed.update(dict.fromkeys(_assumptions(space, members)))
        members_of = {change: boxes.left for change, boxes in wanted.items()}
        while wanted:
            # Each change has its turns, so that none of them goes unseen where there are too many regions.
            change = min(wanted, key=lambda one: wanted[one].work)
            boxes = wanted[change]
            weight = boxes.weight
            box = boxes.take()
            if box is None:
                del wanted[change]
                continue
            yield _Part(space, road, box, members_of[change], functions, weight - boxes.weight), change
            if sum(one.work for one in wanted.values()) > _WORK:
                self.complete = False
                return

    def _never(self, space: Space) -> Set:
        """Packets that there are none of.

        ICMP of the other family has no flow (net/netfilter/nf_conntrack_proto_icmp.c, nf_conntrack_icmp_packet; icmpv6
        likewise). Where no rule exempts packets from conntrack, those alone are untracked which it never tracks
        (nf_conntrack_proto_icmpv6.c, nf_conntrack_icmpv6_error).
        """
        manager = space.manager
        foreign = space.within(space.variable(Of.PROTOCOL), ICMPV6 if space.family is Family.IP else ICMP)
        flows = manager.within(space.variable(Of.CT).number, Intervals(((ESTABLISHED, NEW),)))
        never = manager.where(foreign, flows)
        if any(_exempts(one) for side in self.sides for one in side.rulesets):
            return never
        untracked = space.within(space.variable(Of.CT), UNTRACKED)
        if space.family is Family.IP6:
            kinds = manager.within(space.variable(Of.TYPE).number, Intervals.of((one, one) for one in _NOT_TRACKED))
            discovery = manager.where(space.within(space.variable(Of.PROTOCOL), ICMPV6), kinds)
            untracked = manager.minus(untracked, discovery)
        return manager.over(never, untracked)

    def _region(self, key: tuple[str, Change], shape: Shape, parts: list[_Part], replays: Replays) -> Region:
        reason = ""
        witness = None
        for part in parts:
            manager = part.space.manager
            members = manager.where(manager.box(part.box), part.members)
            found = show(part.space, part.road, members, part.functions, replays, self.names)
            if not isinstance(found, Unshown):
                witness = found
                reason = ""
                break
            reason = reason or found.reason
        return Region(parts[0].road, key[1], shape, sum(part.weight for part in parts), witness, reason)


def _tally(changes: Iterable[Change]) -> tuple[tuple[str, int], ...]:
    """How many regions are let through now, how many no longer, and how many are something else."""
    counts = Counter(_rank(one) for one in changes)
    return tuple((words, counts[rank]) for rank, words in enumerate(_RANKS))


_RANKS = ("newly accepted", "no longer accepted", "otherwise")


def _later(shape: Shape) -> bool:
    """Whether it is about no first packets of flows."""
    return shape.states is not None and CtState.NEW not in shape.states


def _rank(change: Change) -> int:
    """What a reader has to know first."""
    if change.kind is not Kind.VERDICT or "accept" not in (change.before, change.after):
        return 2
    return int(change.before == "accept")


_NOT_TRACKED = (130, 131, 132, 133, 134, 135, 136, 143, 151, 152)


def _exempts(ruleset: Ruleset) -> bool:
    """Native words may do anything."""
    return any(
        isinstance(one, Notrack | Native | OpaqueStatement)
        for chain in ruleset.chains
        for rule in chain.rules
        for one in rule.statements
    )


def _asks_states(ruleset: Ruleset) -> bool:
    return any(
        isinstance(match, CtStateMatch) for chain in ruleset.chains for rule in chain.rules for match in rule.matches
    )


# First what people least want to read of; addresses and services last, so that they are as wide as they can be.
_ORDER: dict[Of, int] = {
    Of.CT: 1, Of.FRAGMENT: 1, Of.FLAGS: 1, Of.STATUS: 1, Of.SPORT: 2, Of.CODE: 3, Of.TYPE: 3, Of.OIF: 4, Of.IIF: 5,
    Of.SADDR: 6, Of.DADDR: 7, Of.DPORT: 8, Of.PROTOCOL: 9,
}  # fmt: skip


def _change(space: Space, pair: object) -> Change | None:
    if not isinstance(pair, tuple):
        return None
    before, after = pair
    return change_of(space, before, after)


def _has_unknown(space: Space, function: Node) -> bool:
    return any(isinstance(one, Outcome) and not one.known for one in space.manager.values(function))


def _unknown(space: Space, function: Node) -> Set:
    return space.manager.chosen(function, lambda one: isinstance(one, Outcome) and not one.known)


_ASSUMED: dict[Of, str] = {
    Of.ANSWER: "limits, counts and opaque matches with the same parameters answer alike on both sides",
    Of.MEMBER: "named sets hold the same on both sides, whatever that is",
    Of.LATE: "what the kernel chooses (addresses of the host and of pools, ports, what nat did to flows before) is the "
    "same on both sides",
    Of.ROUTE: "the routing table is the same on both sides",
    Of.ADDRESS_TYPE: "the routing table is the same on both sides",
}


def _assumptions(space: Space, members: Set) -> Iterator[str]:
    for number in sorted(space.manager.support(members)):
        words = _ASSUMED.get(space.variables[number].of)
        if words is not None:
            yield words
