"""Which packets of a class a firewall accepts, and by which rules: regions, each with its decider."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from polc.diffing.boxes import Box, Boxes
from polc.diffing.names import Names
from polc.diffing.shapes import Shape, merged, shape_of
from polc.ir.family import Family
from polc.ir.ruleset import Rule
from polc.ir.way import Way
from polc.policy.lower.classes import Packets
from polc.proving.grounds import BUDGET, Grounds, families_of
from polc.proving.names import patterns_of
from polc.proving.place import way as way_of
from polc.querying.narrow import narrowed
from polc.querying.tagged import Decider, Tags
from polc.symbolic.atoms import Names as Interfaces
from polc.symbolic.diagram import NONE, OverBudget
from polc.symbolic.hooks import Loaded
from polc.symbolic.outcome import Outcome, Unknown, Verdict, Watch
from polc.symbolic.space import Of, Set

_WORK = 250_000
_ORDER: dict[Of, int] = {
    Of.CT: 1, Of.FRAGMENT: 1, Of.FLAGS: 1, Of.STATUS: 1, Of.BOUND: 1, Of.SPORT: 2, Of.CODE: 3, Of.TYPE: 3,
    Of.OIF: 4, Of.IIF: 5, Of.SADDR: 6, Of.DADDR: 7, Of.DPORT: 8, Of.PROTOCOL: 9,
}  # fmt: skip
"""What regions are widened by first."""


@dataclass(frozen=True, slots=True)
class Part:
    """Packets on a way that one rule (None: nothing that decides) ends alike. ``weight`` is their share of all."""

    way: Way
    verdict: Verdict
    decider: Decider | None
    shape: Shape
    weight: float


@dataclass(frozen=True, slots=True)
class Regions:
    """``parts`` by way, then by the order of rules; ``more``: ways, verdicts and rules of which there are more.
    ``undecided`` says what took more than the budget.
    """

    parts: tuple[Part, ...]
    more: frozenset[tuple[Way, Verdict, Decider | None]]
    undecided: tuple[str, ...]
    families: tuple[Family, ...]
    interfaces: Interfaces
    names: Names


def query(
    loaded: Sequence[Loaded],
    packets: Packets,
    names: Names,
    *,
    everything: bool = False,
    most: int | None = None,
    budget: int = BUDGET,
) -> Regions:
    """The packets of a class that are accepted; with ``everything`` the others too. ``most``: regions of each rule, the
    biggest ones; None: all of them.
    """
    tags = Tags(everything=everything)
    tagged = [Loaded(tags.tagged(one.ruleset), one.flavour) for one in loaded]
    found: dict[tuple[Way, Verdict, Decider | None], list[tuple[Shape, list[float]]]] = {}
    undecided: list[str] = []
    more: set[tuple[Way, Verdict, Decider | None]] = set()
    interfaces = Interfaces(("",))
    # Regions of both families are told with the same numbers of interfaces.
    patterns = patterns_of([one.ruleset for one in loaded])
    families = families_of(loaded)
    for family in families:
        try:
            few = narrowed(tagged, packets, family, budget=budget)
        except OverBudget as error:
            undecided.append(f"{family.nfproto}: it takes {error}")
            continue
        grounds = Grounds(
            (few,), family, (packets,), watch=Watch.COUNTER, interfaces=patterns, budget=budget
        )  # fmt: skip
        interfaces = grounds.space.interfaces
        for way in packets.rules:
            try:
                for key, members in _decided(grounds, way, packets, tags, everything=everything):
                    boxes = _boxes(grounds, way, members)
                    taken = 0
                    while (most is None or taken < most) and (box := _next(boxes)) is not None:
                        weight, shape = box[0], shape_of(grounds.space, box[1], names)
                        found.setdefault((way, *key), []).append((shape, [weight]))
                        taken += 1
                    if boxes.left != NONE:
                        more.add((way, *key))
            except OverBudget as error:
                undecided.append(f"{way.value}, {family.nfproto}: it takes {error}")
    parts = [
        Part(way, verdict, decider, shape, sum(weights))
        for (way, verdict, decider), shapes in found.items()
        for shape, weights in merged(shapes, names)
    ]
    parts.sort(key=lambda one: (list(Way).index(one.way), _place(one.decider), -one.weight))
    return Regions(tuple(parts), frozenset(more), tuple(undecided), families, interfaces, names)


Key = tuple[Verdict, Decider | None]


def _decided(
    grounds: Grounds, way: Way, packets: Packets, tags: Tags, *, everything: bool
) -> Iterator[tuple[Key, Set]]:
    manager = grounds.space.manager
    members = grounds.members(packets, way)
    here = manager.where(members, grounds.outcomes(way_of(way)))

    def key(value: object) -> Key | None:
        if not isinstance(value, Outcome):
            return None
        if not everything and not (value.accepted or isinstance(value.verdict, Unknown)):
            return None
        return value.verdict, tags.decider(value)

    by_rule = manager.mapped(here, key)
    for value in manager.values(by_rule):
        assert isinstance(value, tuple)
        yield value, manager.select(by_rule, value)


def _boxes(grounds: Grounds, way: Way, members: Set) -> Boxes:
    space = grounds.space
    valid = grounds.valid(way_of(way))
    exact = frozenset(space.variable(of).number for of in (Of.IIF, Of.OIF, Of.CT))
    order = sorted(range(len(space.variables)), key=lambda one: _ORDER.get(space.variables[one].of, 0))
    return Boxes(space.manager, members, space.manager.complement(valid), order, exact)


def _next(boxes: Boxes) -> tuple[float, Box] | None:
    if boxes.work > _WORK:
        return None
    before = boxes.weight
    box = boxes.take()
    return None if box is None else (before - boxes.weight, box)


def _place(decider: Decider | None) -> tuple[str, int, int]:
    if decider is None or decider.origin.span is None:
        return ("", 0, 0)
    span = decider.origin.span
    return (span.source.path, span.start, decider.number or 0)


def rules_of(packets: Packets) -> Iterable[Rule]:
    """All rules of a class."""
    return (rule for rules in packets.rules.values() for rule in rules)
