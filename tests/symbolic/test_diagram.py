"""Diagrams do what functions do, point by point."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polc.ir.intervals import Intervals
from polc.symbolic.diagram import HOLDS, NONE, Manager, OverBudget

HIGHEST = (3, 5, 2)
POINTS = [dict(enumerate(point)) for point in product(*(range(one + 1) for one in HIGHEST))]


def manager() -> Manager:
    made = Manager()
    for highest in HIGHEST:
        made.variable(highest)
    return made


boxes = st.dictionaries(st.integers(0, 2), st.lists(st.integers(0, 5), min_size=1, max_size=3), max_size=3)
functions = st.lists(st.tuples(boxes, st.sampled_from(["a", "b", "c"])), max_size=5)


def made(of: Manager, parts: list[tuple[dict[int, list[int]], str]]) -> int:
    return of.first_of(of.box(_intervals(box), of.leaf(value)) for box, value in parts)


def members(of: Manager, parts: list[tuple[dict[int, list[int]], str]]) -> int:
    return of.first_of(of.box(_intervals(box)) for box, _ in parts)


def _intervals(box: dict[int, list[int]]) -> dict[int, Intervals]:
    return {variable: Intervals.of((one, one) for one in values) for variable, values in box.items()}


def plain(parts: list[tuple[dict[int, list[int]], str]], point: dict[int, int]) -> str | None:
    """The first box that a point is in."""
    for box, value in parts:
        if all(point[variable] in values for variable, values in box.items()):
            return value
    return None


@settings(max_examples=200)
@given(functions)
def test_first_of_is_the_first_that_decides(parts: list[tuple[dict[int, list[int]], str]]) -> None:
    of = manager()
    node = made(of, parts)
    for point in POINTS:
        assert of.at(node, point) == plain(parts, point)


@settings(max_examples=200)
@given(functions, functions)
def test_operations_are_pointwise(one: list, other: list) -> None:
    of = manager()
    f, g, s, t = made(of, one), made(of, other), members(of, one), members(of, other)
    results = {
        "over": of.over(f, g), "where": of.where(s, g), "complement": of.complement(s), "minus": of.minus(s, t),
        "either": of.either(s, f, g), "differs": of.differs(f, g), "pairs": of.pairs(f, g),
        "restricted": of.restricted(f, 1, 2), "exists": of.exists(s, 1), "mapped": of.mapped(f, lambda v: v and v * 2),
        "select": of.select(f, "a"),
        # The second variable becomes what the first is.
        "substituted": of.substituted(f, 1, lambda low, high: of.within(0, Intervals(((low, high),)))),
    }  # fmt: skip
    for point in POINTS:
        a, b = plain(one, point), plain(other, point)
        inside, outside = a is not None, b is not None
        expected = {
            "over": a if a is not None else b, "where": b if inside else None, "complement": not inside,
            "minus": inside and not outside, "either": a if inside else b, "differs": a != b, "pairs": (a, b),
            "restricted": plain(one, {**point, 1: 2}),
            "exists": any(plain(one, {**point, 1: value}) is not None for value in range(HIGHEST[1] + 1)),
            "mapped": a and a * 2, "select": a == "a", "substituted": plain(one, {**point, 1: point[0]}),
        }  # fmt: skip
        for name, node in results.items():
            said = of.at(node, point)
            assert (said or False) == (expected[name] or False), (name, point)


@given(functions, functions)
def test_equal_functions_are_one_node(one: list, other: list) -> None:
    of = manager()
    f, g = made(of, one), made(of, other)
    assert (f == g) == all(plain(one, point) == plain(other, point) for point in POINTS)


@given(functions)
def test_count_and_paths_see_every_point_once(parts: list) -> None:
    of = manager()
    node = members(of, parts)
    inside = [point for point in POINTS if plain(parts, point) is not None]
    assert of.count(node, [0, 1, 2]) == len(inside)
    found = [
        point
        for _, path in of.paths(node)
        for point in POINTS
        if all(point[variable] in values for variable, values in path)
    ]
    assert sorted(map(str, found)) == sorted(map(str, inside))


def test_more_nodes_than_the_budget_are_undecided() -> None:
    of = Manager(budget=10)
    number = of.variable(1000)
    with pytest.raises(OverBudget):
        list(map(of.within, [number] * 20, map(Intervals.single, range(20))))


def test_many_variables_are_no_deeper_than_python_can_go() -> None:
    of = Manager()
    numbers = [of.variable(1) for _ in range(5000)]
    deep = of.box({one: Intervals.single(1) for one in numbers})
    assert of.where(deep, of.box({numbers[-1]: Intervals.single(1)})) == deep
    assert of.where(deep, of.within(numbers[4000], Intervals.single(0))) == NONE
    assert of.over(deep, of.complement(deep)) == HOLDS
