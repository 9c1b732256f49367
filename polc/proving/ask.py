"""Assertions about a firewall, answered in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from polc.diagnostics import Failure
from polc.firewalls import Firewall
from polc.policy.assertion import Asserted, Claim, Comparison
from polc.policy.lower.assertions import lower_assertions
from polc.policy.lower.classes import Names
from polc.proving.claims import answer_claim
from polc.proving.comparison import answer_comparison
from polc.proving.grounds import BUDGET
from polc.proving.model import Answer
from polc.proving.names import names_of_rulesets
from polc.symbolic.hooks import Loaded

Reader = Callable[[str], Firewall]


@dataclass(frozen=True, slots=True)
class Asked:
    """``path`` is what the firewall is called; ``files`` are read for those to compare it with."""

    path: str
    firewalls: Sequence[Firewall]
    read: Reader

    @property
    def loaded(self) -> list[Loaded]:
        return [Loaded(ruleset, one.flavour) for one in self.firewalls for ruleset in one.rulesets]

    @property
    def names(self) -> Names:
        """What words name: the definitions of the policy, or interfaces and sets where there is none."""
        for one in self.firewalls:
            if one.policy is not None:
                return Names(one.policy.symbols, one.policy.settings)
        return names_of_rulesets(ruleset for one in self.firewalls for ruleset in one.rulesets)


def answers(asked: Asked, asserted: Iterable[Asserted], *, budget: int = BUDGET) -> Iterator[Answer]:
    """The answers, one after the other; all that is wrong with any assertion is told before the first.

    Raises:
        Failure: an assertion or another firewall has errors; POL902.
    """
    loaded = asked.loaded
    for meant in lower_assertions(asserted, asked.names):
        assertion = meant.asserted.assertion
        match assertion:
            case Claim():
                assert meant.packets is not None
                yield answer_claim(loaded, meant.asserted, meant.packets, budget=budget)
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
                sides = (asked.path, loaded), (path, Asked(path, (other,), asked.read).loaded)
                yield answer_comparison(*sides, meant.asserted, meant.packets, budget=budget)


def _beside(comparison: Comparison) -> str:
    """The path of the other firewall: relative to the file that the assertion stands in."""
    source = comparison.path.span.source.path
    folder = os.path.dirname(source) if os.path.isfile(source) else ""
    return os.path.join(folder, comparison.path.text)
