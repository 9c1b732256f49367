"""The longest common subsequence, beside the definition."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from polc.live.common import common

SEQUENCES = st.lists(st.integers(0, 5), max_size=12)


def longest(one: list[int], other: list[int]) -> int:
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, left in enumerate(one):
        for j, right in enumerate(other):
            table[i + 1][j + 1] = table[i][j] + 1 if left == right else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


@given(SEQUENCES, SEQUENCES)
def test_it_is_common_ascending_and_as_long_as_can_be(one: list[int], other: list[int]) -> None:
    pairs = common(one, other)
    assert all(one[left] == other[right] for left, right in pairs)
    assert all(a < b and c < d for (a, c), (b, d) in pairwise(pairs))
    assert len(pairs) == longest(one, other)
