"""Case after case, for a time or a number of them, and what came of all."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from polc.fuzzing.case import Case
from polc.fuzzing.coverage import universe
from polc.fuzzing.generate import GENERATORS, generate
from polc.fuzzing.judge import Asked, judge
from polc.fuzzing.model import Check, Finding, Judged
from polc.fuzzing.shrink import shrink


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run. ``seconds`` and ``cases`` are bounds, None for neither; ``findings`` is how many end it."""

    asked: Asked
    seed: int = 0
    first: int = 1
    seconds: float | None = None
    cases: int | None = None
    findings: int = 10
    among: tuple[str, ...] = tuple(GENERATORS)


@dataclass(frozen=True, slots=True)
class Found:
    """A finding in the case of a number. ``least`` is the least case that shows it; ``others`` are where the whole case
    showed the same. ``again``: it came again when the case was judged once more.
    """

    number: int
    finding: Finding
    least: Case
    others: tuple[str, ...] = ()
    again: bool = True


@dataclass(slots=True)
class Summary:
    """``seconds`` are those that it took, shrinking and all."""

    order: Order
    cases: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    total: Judged = field(default_factory=Judged)
    there: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    found: list[Found] = field(default_factory=list)
    stopped: bool = False

    @property
    def never(self) -> tuple[str, ...]:
        """Constructs of the IR that no case had."""
        return tuple(sorted(universe() - self.there.keys()))

    @property
    def never_met(self) -> tuple[str, ...]:
        """Those that cases had, and of which no rule decided a packet."""
        return tuple(sorted((universe() & self.there.keys()) - self.met.keys()))


def run(
    order: Order,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    tell: Callable[[Found], None] = lambda found: None,
) -> Summary:
    """Run; each finding is told when it is as small as it gets. Whoever interrupts it gets what there is so far.

    Raises:
        Failure: POL601, POL602, POL610: this machine has no stage to give.
    """
    summary = Summary(order)
    begun = time.monotonic()
    try:
        while not _done(order, summary, time.monotonic() - begun):
            _one(order, summary, order.first + summary.cases, tell)
            _show(order, summary, time.monotonic() - begun, progress)
    except KeyboardInterrupt:
        summary.stopped = True
    summary.seconds = time.monotonic() - begun
    return summary


def _done(order: Order, summary: Summary, seconds: float) -> bool:
    return (
        (order.cases is not None and summary.cases >= order.cases)
        or (order.seconds is not None and seconds >= order.seconds)
        or len(summary.found) >= order.findings
    )


def _show(order: Order, summary: Summary, seconds: float, progress: Callable[[str, int, int], None]) -> None:
    words = f"cases, {len(summary.found)} findings"
    if order.cases is not None:
        progress(words, summary.cases, order.cases)
    else:
        progress(f"s, {summary.cases} {words}", int(seconds), int(order.seconds or 0))


def _one(order: Order, summary: Summary, number: int, tell: Callable[[Found], None]) -> None:
    case = generate(order.seed, number, order.among)
    asked = replace(order.asked, seed=number)
    judged = judge(case, asked)
    _add(summary, case, judged)
    for several in _alike(judged.findings):
        finding, others = several[0], tuple(one.where for one in several[1:])
        least = shrink(case, finding, asked, judge)
        if least is None:
            found = Found(number, finding, case, others, again=False)
        else:
            found = Found(number, least[1], least[0], others)
        if any(one.finding.check is found.finding.check and one.least == found.least for one in summary.found):
            continue
        summary.found.append(found)
        tell(found)
        if len(summary.found) >= order.findings:
            return


def _alike(findings: Iterable[Finding]) -> Iterable[Sequence[Finding]]:
    """Those that are one thing, seen in several places."""
    groups: dict[tuple[Check, str], list[Finding]] = {}
    for one in findings:
        groups.setdefault((one.check, one.message), []).append(one)
    # Of a place the first is enough: others may come of it.
    told: set[tuple[Check, str]] = set()
    for group in groups.values():
        if not any(one.key in told for one in group):
            told.update(one.key for one in group)
            yield group


def _add(summary: Summary, case: Case, judged: Judged) -> None:
    summary.cases += 1
    summary.kinds[case.kind.value] += 1
    total = summary.total
    total.refused += judged.refused
    total.packets += judged.packets
    total.lacking += judged.lacking
    total.points += judged.points
    total.proven += judged.proven
    total.undecided += judged.undecided
    summary.there.update(judged.there)
    summary.met.update(judged.met)


__all__: Sequence[str] = ("Found", "Order", "Summary", "run")
