"""Did you mean: the nearest of the words that would have been right."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word with the fewest edits from ``word``, at most a third of its letters; the first of equals."""
    best, least = None, max(1, len(word) // 3) + 1
    for candidate in known:
        if abs(len(candidate) - len(word)) < least:
            edits = distance(word.lower(), candidate.lower(), least)
            if edits < least:
                best, least = candidate, edits
    return best


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A help text, empty when nothing is near."""
    found = nearest(word, known)
    return f"did you mean `{found}`?" if found else ""


def distance(left: str, right: str, bound: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours from one to the other, or ``bound`` if not fewer
    (optimal string alignment).
    """
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, one in enumerate(left, 1):
        before, last, row = row, before, [i]
        for j, other in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (one != other))
            if i > 1 and j > 1 and one == right[j - 2] and left[i - 2] == other:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) >= bound:
            return bound
    return min(row[-1], bound)
