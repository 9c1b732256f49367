"""Whether the same becomes of every packet on two sides, and the packets of which something else does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from polc.ir.intervals import Intervals
from polc.ir.ruleset import Hook, Ruleset
from polc.ir.selectors import Element
from polc.ir.statements import AssignHelper, AssignTimeout, AssignZone, Notrack, Offload, UpdateSet
from polc.proving.grounds import Grounds
from polc.proving.place import Place
from polc.symbolic.diagram import OverBudget, Path
from polc.symbolic.hooks import Loaded
from polc.symbolic.outcome import Derived, Effect, Evaluated, Outcome, Watch
from polc.symbolic.space import Set, Space


@dataclass(frozen=True, slots=True)
class Difference:
    """Of ``members``, packets at a place, one side makes ``outcomes[0]`` and the other ``outcomes[1]``; ``asked`` are
    the numbers of the variables on which that hangs.
    """

    place: Place
    members: Set
    asked: frozenset[int]
    outcomes: tuple[Outcome, Outcome]


def given_contents(one: Sequence[Loaded], other: Sequence[Loaded]) -> dict[str, tuple[Element, ...]]:
    """What is in the named sets that one side alone has, where no rule changes it: they are its way to write a group
    of addresses. What is in those of both is the same on both, whatever it is.
    """
    found: list[dict[str, tuple[Element, ...]]] = [
        {each.name: each.elements for loaded in side for each in loaded.ruleset.sets} for side in (one, other)
    ]
    changed = {name for loaded in (*one, *other) for name in _changed(loaded.ruleset)}
    return {
        name: elements
        for side in found
        for name, elements in side.items()
        if name not in changed and not all(name in of for of in found)
    }


def _changed(ruleset: Ruleset) -> Iterator[str]:
    for chain in ruleset.chains:
        for rule in chain.rules:
            yield from (each.set_name for each in rule.statements if isinstance(each, UpdateSet))


def differences(grounds: Grounds, place: Place, within: Set | None = None) -> Iterator[Difference]:
    """The packets of which something else becomes on the two sides, one set for each pair of outcomes: those that go
    another way first. ``within`` are the packets that are looked at (None: all that can be).

    Raises:
        OverBudget: there are more nodes than the space may have.
    """
    space, manager = grounds.space, grounds.space.manager
    left, right = (grounds.outcomes(place, side) for side in (0, 1))
    if left == right:
        return
    here = grounds.valid(place) if within is None else within
    different = manager.where(here, manager.differs(left, right))
    pairs = manager.where(different, manager.pairs(left, right))
    for pair in sorted(manager.values(pairs), key=_rank):
        one, other = _outcomes(pair)
        boxes = _unlike(space, manager.select(pairs, pair), one, other)
        if boxes:
            members = manager.first_of(manager.box(dict(path)) for path in boxes)
            asked = frozenset(number for path in boxes for number, _ in path)
            yield Difference(place, members, asked, (one, other))


def _unlike(space: Space, members: Set, one: Outcome, other: Outcome) -> list[Path]:
    """Ways down on which two outcomes are not the same in other words: all, or the first of them.

    Raises:
        OverBudget: there are too many ways on which they are the same.
    """
    found: list[Path] = []
    for number, (_, path) in enumerate(space.manager.paths(members)):
        if number >= _MOST_PATHS and found:
            break
        if number >= _MOST_ALIKE:
            raise OverBudget(f"more than {_MOST_ALIKE} cases")
        if not alike(space, one, other, path):
            found.append(path)
    return found


def _outcomes(pair: object) -> tuple[Outcome, Outcome]:
    assert isinstance(pair, tuple)
    one, other = pair
    assert isinstance(one, Outcome)
    assert isinstance(other, Outcome)
    return one, other


def _rank(pair: object) -> int:
    one, other = _outcomes(pair)
    return int(one.verdict == other.verdict) + int(one.nat == other.nat)


_MOST_PATHS, _MOST_ALIKE = 500, 200_000
"""Ways down for one pair of outcomes that are looked at, where some show a difference, and where none does."""


def alike(space: Space, one: Outcome, other: Outcome, path: Path) -> bool:
    """Whether two outcomes of the packets of a path are the same, though they are written differently. The other may
    attach a helper to more flows that are let through: in iptables' table raw nobody knows yet where they go.
    """
    if not (one.known and other.known):
        return False
    if one.verdict != other.verdict or _nat(one) != _nat(other):
        return False
    if effects_of(one) != effects_of(other) or not _helpers(one) <= _helpers(other):
        return False
    first, second = dict(one.changes), dict(other.changes)
    there = dict(path)
    return all(
        _same_value(space, there, number, first.get(number), second.get(number)) for number in first.keys() | second
    )


def _nat(outcome: Outcome) -> tuple[object, ...]:
    """NAT without where rules ask for it: both sides are at one hook."""
    return tuple(replace(one, hook=Hook.PREROUTING) for one in outcome.nat)


OF_FLOWS = (AssignHelper, AssignTimeout, AssignZone, Notrack, Offload)


def _helpers(outcome: Outcome) -> frozenset[Effect]:
    return frozenset(one for one in outcome.effects if isinstance(one, AssignHelper) and outcome.accepted)


def effects_of(outcome: Outcome) -> tuple[Effect, ...]:
    """Effects that count: what was asked, and what is done with the flow, in any order and once each; nothing is done
    with the flow of a packet that does not get through. The others as they came.
    """
    asked = {one for one in outcome.effects if isinstance(one, Evaluated)}
    flows = {one for one in outcome.effects if isinstance(one, OF_FLOWS[1:]) and outcome.accepted}
    others = (one for one in outcome.effects if not isinstance(one, (Evaluated, *OF_FLOWS)))
    return (*others, *sorted(asked, key=repr), *sorted(flows, key=repr))


def _same_value(space: Space, there: Mapping[int, Intervals], number: int, one: object, other: object) -> bool:
    """Whether a variable has the same value after both, on all points of a path; None: it is as it was."""
    if one == other:
        return True
    highest = space.variables[number].highest
    first, second = (Derived(number, (), highest) if change is None else change for change in (one, other))

    def values(source: int) -> tuple[tuple[int, int], ...]:
        found = there.get(source)
        return found.ranges if found else ((0, space.variables[source].highest),)

    if isinstance(first, int) and isinstance(second, int):
        return False
    if isinstance(first, Derived) and isinstance(second, Derived) and first.source != second.source:
        known = [values(change.source) for change in (first, second)]
        if any(len(ranges) > 1 or ranges[0][0] != ranges[0][1] for ranges in known):
            return False
        return first.of(known[0][0][0]) == second.of(known[1][0][0])
    source = first.source if isinstance(first, Derived) else second.source if isinstance(second, Derived) else 0

    def value(change: object, at: int) -> int:
        assert isinstance(change, int | Derived)
        return change.of(at) if isinstance(change, Derived) else change

    # Both are made of pieces that rise one by one or not at all: between the places where pieces meet they are lines.
    edges = {
        edge
        for change in (first, second)
        if isinstance(change, Derived)
        for _, amount in change.operations
        for edge in _edges(amount, change.highest)
    }
    return all(
        value(first, at) == value(second, at)
        for low, high in values(source)
        for at in {low, high, *(edge for edge in edges if low <= edge <= high)}
    )


def _edges(amount: int, highest: int) -> Iterator[int]:
    for edge in (amount, -amount, highest - amount, highest + amount):
        yield from (edge - 1, edge, edge + 1)


EVERYTHING = Watch.LOG | Watch.COUNTER | Watch.MARK | Watch.PACKET | Watch.SET | Watch.STATE
"""What must be the same at each hook; effects on flows count where a way ends."""
