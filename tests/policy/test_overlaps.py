"""Elements with packets in common are found, whatever part of the key they differ in."""

from __future__ import annotations

import time
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from polc.ir.intervals import Intervals
from polc.ir.selectors import Element, InterfacePattern
from polc.policy.lower.overlaps import overlaps

NUMBERS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 4)), min_size=1, max_size=3).map(
    lambda pairs: Intervals.of((low, low + more) for low, more in pairs)
)
NAMES = st.builds(InterfacePattern, st.sampled_from(["a", "ab", "abc", "b", "eth0", "eth00", "eth1"]), st.booleans())
ELEMENTS = st.lists(st.tuples(NUMBERS, NAMES, NUMBERS), max_size=8)


def meet(one: Element, other: Element) -> bool:
    """By trying all values that there are."""
    for left, right in zip(one, other, strict=True):
        if isinstance(left, Intervals) and isinstance(right, Intervals):
            if not any(value in left and value in right for value in range(30)):
                return False
        elif isinstance(left, InterfacePattern) and isinstance(right, InterfacePattern):
            names = ("a", "ab", "abc", "abcd", "b", "bb", "eth0", "eth00", "eth1", "eth000")
            if not any(left.covers(each) and right.covers(each) for each in map(InterfacePattern, names)):
                return False
    return True


@settings(max_examples=300, deadline=None)
@given(ELEMENTS)
def test_an_element_is_found_when_it_meets_another(elements: list[Element]) -> None:
    pairs = {
        (one, other) for one, other in combinations(range(len(elements)), 2) if meet(elements[one], elements[other])
    }
    found = set(overlaps(elements))
    assert found <= pairs
    # One pair at most for each element, and none where there is nothing to tell.
    assert bool(found) == bool(pairs)


def test_many_elements_take_no_time_to_speak_of() -> None:
    one = Intervals.single(1)
    many = [(one, Intervals.single(number)) for number in range(20_000)]
    begin = time.process_time()
    assert list(overlaps(many)) == []
    assert time.process_time() - begin < 2
