"""Boxes are a set: each member is in one of them, no other point is, and none can be made larger."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from polc.diffing.boxes import Box, Boxes
from polc.ir.intervals import Intervals
from polc.symbolic.diagram import HOLDS, NONE, Manager

SIZES = (3, 4, 5)
POINTS = tuple(product(*(range(size) for size in SIZES)))
POINT_SETS = st.frozensets(st.sampled_from(POINTS))


def diagram(manager: Manager, points: frozenset[tuple[int, ...]]) -> int:
    return manager.first_of(
        manager.box({at: Intervals.single(value) for at, value in enumerate(point)}) for point in sorted(points)
    )


def covers(box: Box, point: tuple[int, ...]) -> bool:
    return all(point[variable] in values for variable, values in box.items())


def taken(members: frozenset[tuple[int, ...]], impossible: frozenset[tuple[int, ...]]) -> list[Box]:
    manager = Manager()
    for size in SIZES:
        manager.variable(size - 1)
    boxes = Boxes(manager, diagram(manager, members), diagram(manager, impossible), (2, 0, 1))
    found = []
    while (box := boxes.take()) is not None:
        found.append(box)
    assert boxes.weight == 0
    return found


@settings(deadline=None)
@given(POINT_SETS, POINT_SETS)
def test_each_member_is_in_one_box(members: frozenset[tuple[int, ...]], impossible: frozenset[tuple[int, ...]]) -> None:
    boxes = taken(members, impossible)
    for point in POINTS:
        if point not in impossible:
            assert sum(covers(box, point) for box in boxes) == (point in members)


@settings(deadline=None)
@given(POINT_SETS)
def test_the_first_box_cannot_grow(members: frozenset[tuple[int, ...]]) -> None:
    boxes = taken(members, frozenset())
    if not boxes:
        assert not members
        return
    first = {variable: boxes[0].get(variable, Intervals(((0, size - 1),))) for variable, size in enumerate(SIZES)}
    for variable, size in enumerate(SIZES):
        for value in range(size):
            if value not in first[variable]:
                wider = {**first, variable: Intervals.of((*first[variable].ranges, (value, value)))}
                assert any(covers(wider, point) and point not in members for point in POINTS)


def test_nothing_and_everything() -> None:
    manager = Manager()
    manager.variable(9)
    assert Boxes(manager, NONE, NONE, ()).take() is None
    assert Boxes(manager, HOLDS, NONE, ()).take() == {}


def test_one_that_is_impossible_is_left_out() -> None:
    assert taken(frozenset(POINTS), frozenset(POINTS)) == []
