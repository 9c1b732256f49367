"""The matrix in words: for each pair of zones, the services that can begin there."""

from __future__ import annotations

from collections.abc import Iterator

from polc.querying.matrix import Cell, Entry, Matrix
from polc.querying.report_text import decider_text

_WORDS = {
    Cell.ALL: "accepted",
    Cell.LIMITED: "accepted within limits and by what sets say",
    Cell.SOME: "some accepted, by addresses or other fields",
    Cell.UNKNOWN: "only the kernel knows",
}


def report(matrix: Matrix) -> str:
    """A block for each pair of zones: what is accepted, with the rules that do it; the rest is dropped or rejected."""
    return "".join(f"{line}\n" for line in _lines(matrix))


def _lines(matrix: Matrix) -> Iterator[str]:
    yield f"{matrix.title}: connections that can begin; what is not named cannot"
    for source in matrix.zones:
        for destination in matrix.zones:
            found = [one for one in matrix.entries if (one.source, one.destination) == (source, destination)]
            if found:
                yield ""
                yield from _pair(source, destination, found)
    for words in matrix.undecided:
        yield f"undecided: {words}"
    for words in matrix.left_out:
        yield f"left out: {words}"


def _pair(source: str, destination: str, entries: list[Entry]) -> Iterator[str]:
    yield f"{source} -> {destination}"
    shown = [one for one in entries if one.cell is not Cell.NONE]
    if not shown:
        yield "  nothing"
    for cell, words in _WORDS.items():
        names = [one.service for one in shown if one.cell is cell]
        if names:
            yield f"  {words}: {', '.join(names)}"
    rules = dict.fromkeys(rule for one in shown for rule in one.rules)
    for rule in rules:
        yield f"    by {decider_text(rule)}"
