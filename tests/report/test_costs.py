"""The longest ways of packets through chains, on shapes that are small enough to count by hand."""

from __future__ import annotations

import pytest

from polc.report.costs import costs
from polc.report.model import Cost
from polc.report.shape import Chain, Line, Shape, Way, WayKind

ENDS, RETURNS = Way(WayKind.ENDS), Way(WayKind.RETURNS)


def line(*ways: Way, lookups: int = 0, applies: bool | None = None, established: bool | None = None) -> Line:
    return Line(None, lookups, applies, ways, established, ways, ())


def jump(chain: str, **more: bool | None) -> Line:
    return line(Way(WayKind.JUMPS, chain), **more)


def goto(chain: str, **more: bool | None) -> Line:
    return line(Way(WayKind.GOES, chain), **more)


ALWAYS = {"applies": True, "established": True}
NEVER = {"established": False}


def found(lines: list[Line], rewrites: bool = False, **others: list[Line]) -> tuple[Cost, Cost]:
    chains = [Chain("f", "t", "base", "hook", rewrites, tuple(lines))]
    chains += (Chain("f", "t", name, "", False, tuple(inner)) for name, inner in others.items())
    (one,) = costs(Shape(tuple(chains), ()))
    return one.worst, one.established


A = line(ENDS)
PLAIN = line()


@pytest.mark.parametrize(
    ("lines", "worst"),
    [
        ([], Cost()),
        ([A, A, A], Cost(3)),
        ([A, line(ENDS, **ALWAYS), A, A], Cost(2)),
        ([A, line(RETURNS, **ALWAYS), A], Cost(2)),
        ([line(ENDS, lookups=2), line(lookups=1)], Cost(2, 3)),
        ([line(**ALWAYS), A], Cost(2)),
    ],
)
def test_without_jumps(lines: list[Line], worst: Cost) -> None:
    assert found(lines)[0] == worst


def test_a_jump_comes_back() -> None:
    assert found([jump("inner"), A], inner=[A, A, A])[0] == Cost(5)
    assert found([jump("inner", **ALWAYS), A], inner=[A, A, A])[0] == Cost(5)


def test_a_goto_does_not() -> None:
    assert found([goto("inner", **ALWAYS), A, A, A, A], inner=[A, A])[0] == Cost(3)
    # Who does not match goes on, which is the longer way here.
    assert found([goto("inner"), A, A, A, A], inner=[A, A])[0] == Cost(5)
    assert found([goto("inner"), A], inner=[A, A, A])[0] == Cost(4)


def test_out_of_a_chain_that_decides_nobody_comes_back() -> None:
    decides = [A, A, line(ENDS, **ALWAYS)]
    assert found([jump("inner", **ALWAYS), A, A], inner=decides)[0] == Cost(4)
    assert found([jump("inner"), A, A], inner=decides)[0] == Cost(4)
    assert found([jump("inner"), *[A] * 9], inner=decides)[0] == Cost(10)


def test_return_in_the_middle_comes_back_too() -> None:
    inner = [line(RETURNS), *[A] * 5, line(ENDS, **ALWAYS)]
    # Either through all of the inner chain, or back after its first line and on.
    assert found([jump("inner", **ALWAYS), A], inner=inner)[0] == Cost(8)
    assert found([jump("inner", **ALWAYS), *[A] * 9], inner=inner)[0] == Cost(11)


def test_several_ways_are_each_tried() -> None:
    vmap = line(Way(WayKind.JUMPS, "short"), Way(WayKind.GOES, "long"), ENDS, lookups=1)
    assert found([vmap, A], short=[A], long=[A] * 7)[0] == Cost(8, 1)


def test_a_chain_that_two_lead_to_is_counted_twice() -> None:
    assert found([jump("inner"), jump("inner")], inner=[A, A])[0] == Cost(6)


def test_chains_of_others_cost_nothing_that_is_known() -> None:
    assert found([jump("DOCKER-USER"), A])[0] == Cost(2)


def test_packets_of_established_flows() -> None:
    state = line(ENDS, established=True)
    assert found([A, state, *[A] * 9]) == (Cost(11), Cost(2))
    new = jump("inner", **NEVER)
    assert found([new, A], inner=[A] * 5) == (Cost(7), Cost(2))
    assert found([line(ENDS, **NEVER), A]) == (Cost(2), Cost(2))
    assert found([A, A], rewrites=True) == (Cost(2), Cost())


def test_a_long_chain_is_no_deep_recursion() -> None:
    assert found([A] * 100_000)[0] == Cost(100_000)


def test_each_file_has_its_own_chains() -> None:
    one = Chain("v4", "filter", "INPUT", "filter INPUT", False, (jump("x"),))
    other = Chain("v6", "filter", "INPUT", "filter INPUT", False, (jump("x"),))
    inner = [Chain("v4", "filter", "x", "", False, (A,)), Chain("v6", "filter", "x", "", False, (A, A, A))]
    found = costs(Shape((one, other, *inner), ()))
    assert [(each.file, each.worst) for each in found] == [("v4", Cost(2)), ("v6", Cost(4))]
