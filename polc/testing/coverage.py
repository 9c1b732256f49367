"""Which rules of a policy its tests reach."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from polc.ir.origin import Origin
from polc.ir.ruleset import Ruleset
from polc.source import Span


@dataclass(frozen=True, slots=True)
class Line:
    """A rule as it was written: its place, and its name where it has one. One such may be several rules of the IR."""

    span: Span
    name: str

    def __str__(self) -> str:
        text = f"{self.span.source.path}:{self.span.line}"
        return f"{text} {self.name}" if self.name else text


@dataclass(frozen=True, slots=True)
class Coverage:
    """``rules`` in the order in which they stand, and those that some packet of a test met."""

    rules: tuple[Line, ...]
    reached: frozenset[Line]

    @property
    def unreached(self) -> tuple[Line, ...]:
        return tuple(one for one in self.rules if one not in self.reached)

    @property
    def percent(self) -> float:
        """100 of a policy without rules."""
        return 100.0 * len(self.reached) / len(self.rules) if self.rules else 100.0


def coverage(ruleset: Ruleset, met: Iterable[Origin]) -> Coverage:
    """``met`` are the origins of rules that packets met."""
    rules = dict.fromkeys(
        line for chain in ruleset.chains for rule in chain.rules if (line := _line(rule.origin)) is not None
    )
    reached = {line for origin in met if (line := _line(origin)) is not None}
    return Coverage(tuple(rules), frozenset(reached & rules.keys()))


def _line(origin: Origin) -> Line | None:
    return Line(origin.span, origin.name) if origin.span else None
