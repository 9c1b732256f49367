"""What a case says that nobody takes: found by diagnostics, and taken out, so that the rest can be tried."""

from __future__ import annotations

from collections.abc import Iterable

from polc.fuzzing.case import Case
from polc.source import Span


def without_refused(case: Case, places: Iterable[Span | None]) -> Case | None:
    """The case without the rules at these places of its text; None where no rule stands there."""
    lines = {span.line for span in places if span is not None and span.source.path == case.kind.value}
    rules = {found for line in lines if (found := case.rule_of(line)) is not None}
    return case.without(rules) if rules else None
