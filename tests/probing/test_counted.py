"""Of many packets through a limit it is known how many pass, if not which."""

from __future__ import annotations

import pytest

from polc.probing.counted import miscounted
from polc.probing.told import Told
from polc.probing.watch import Way

ACCEPT, DROP = Told("accept", "delivered"), Told("drop")


def row(passed: int, of: int = 100) -> list[Told]:
    return [ACCEPT] * passed + [DROP] * (of - passed)


def asked(buckets: list[object], by_chance: bool = False) -> Way:
    return Way(buckets=[(one, 0.01) for one in buckets], by_chance=by_chance)


@pytest.mark.parametrize("passed", [38, 40, 50, 60, 62])
def test_as_many_as_some_clock_lets_through(passed: int) -> None:
    seen = list(reversed(row(passed)))
    ways = [asked(["a"])] * 100
    assert not list(miscounted([row(40), row(60)], seen, ways, [False] * 100))


@pytest.mark.parametrize(("passed", "missing"), [(37, ACCEPT), (0, ACCEPT), (63, DROP), (100, DROP)])
def test_more_or_fewer_than_that(passed: int, missing: Told) -> None:
    seen = row(passed)
    ((at, told),) = miscounted([row(40), row(60)], seen, [asked(["a"])] * 100, [False] * 100)
    assert told == missing
    assert told != seen[at]


def test_what_is_not_counted() -> None:
    rows, seen = [row(40), row(60)], row(100)
    assert not list(miscounted(rows, seen, [asked(["a"])] * 100, [True] * 100)), "each is known"
    assert not list(miscounted(rows, seen, [asked([])] * 100, [False] * 100)), "no bucket"
    assert not list(miscounted(rows, seen, [asked(["a", "b"])] * 100, [False] * 100)), "which of the two?"
    assert not list(miscounted(rows, seen, [asked(["a"], by_chance=True)] * 100, [False] * 100)), "by chance"
    unknown = [*row(40, 99), Told("unknown")]
    assert not list(miscounted([unknown], [*row(42, 99), ACCEPT], [asked(["a"])] * 100, [False] * 100))


def test_each_bucket_by_itself() -> None:
    ways = [asked(["a"]) if at % 2 else asked(["b"]) for at in range(100)]
    seen = [ACCEPT if at % 2 else DROP for at in range(100)]
    found = list(miscounted([row(50)], seen, ways, [False] * 100))
    assert sorted(at % 2 for at, _ in found) == [0, 1]
