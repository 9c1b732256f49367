"""Assertions about a firewall, answered in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from polc.diagnostics import Failure
from polc.policy.assertion import Asserted, Claim, Comparison
from polc.policy.lower.assertions import lower_assertions
from polc.policy.lower.classes import Names
from polc.proving.claims import answer_claim
from polc.proving.comparison import answer_comparison
from polc.proving.grounds import BUDGET
from polc.proving.model import Answer
from polc.symbolic.hooks import Loaded

Reader = Callable[[str], Sequence[Loaded]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A firewall: ``path`` is what it is called, ``names`` are those of its definitions; ``read`` reads the firewalls
    that assertions compare it with.
    """

    path: str
    loaded: Sequence[Loaded]
    names: Names
    read: Reader


def answers(asked: Asked, asserted: Iterable[Asserted], *, budget: int = BUDGET) -> Iterator[Answer]:
    """The answers, one after the other; all that is wrong with any assertion is told before the first.

    Raises:
        Failure: an assertion or another firewall has errors; POL902.
    """
    for meant in lower_assertions(asserted, asked.names):
        assertion = meant.asserted.assertion
        match assertion:
            case Claim():
                assert meant.packets is not None
                yield answer_claim(asked.loaded, meant.asserted, meant.packets, budget=budget)
            case Comparison(path=word):
                path = _beside(assertion)
                try:
                    other = asked.read(path)
                except Failure as failure:
                    if any(one.labels for one in failure.diagnostics):
                        raise
                    # What has no text of its own is told at the place that asked for it.
                    first = failure.diagnostics[0]
                    raise Failure.of(first.code, f"`{word.text}`: {first.message}", word.span) from None
                yield answer_comparison(
                    (asked.path, asked.loaded), (path, other), meant.asserted, meant.packets, budget=budget
                )


def _beside(comparison: Comparison) -> str:
    """The path of the other firewall: relative to the file that the assertion stands in."""
    source = comparison.path.span.source.path
    folder = os.path.dirname(source) if os.path.isfile(source) else ""
    return os.path.join(folder, comparison.path.text)
