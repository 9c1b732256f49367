"""Results for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from polc.testing.results import CaseResult, Status

_SIGNS = {Status.PASSED: "ok", Status.FAILED: "FAILED", Status.SKIPPED: "skipped"}


def lines(results: Iterable[CaseResult], *, verbose: bool) -> Iterator[str]:
    """A line a case where ``verbose``, and what is wrong with those that failed; then all in one line."""
    counts: Counter[Status] = Counter()
    for one in results:
        counts[one.status] += 1
        if one.status is Status.PASSED and not verbose:
            continue
        place = f"{one.case.span.source.path}:{one.case.span.line}"
        reason = f": {one.reason}" if one.reason else ""
        yield f"{_SIGNS[one.status]} {place} [{one.judge}] {one.case.name}{reason}"
        if one.status is Status.FAILED:
            yield from _steps(one)
    yield summary(counts)


def _steps(result: CaseResult) -> Iterator[str]:
    for number, one in enumerate(result.steps, 1):
        for message in one.wrong:
            where = f"step {number}, `{one.step.text}`: " if result.case.is_scenario else ""
            yield f"    {where}{message}"
    if result.case.because:
        yield f"    because: {result.case.because}"


def summary(counts: Counter[Status]) -> str:
    shown = [status for status in Status if counts[status] or status is Status.PASSED]
    return ", ".join(f"{counts[status]} {status.value}" for status in shown)
