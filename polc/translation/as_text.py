"""The report for people."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from polc.backends.model import Fidelity
from polc.translation.model import Place, Remark, RuleTranslation, TranslationReport


def render(report: TranslationReport) -> str:
    return "\n".join(_lines(report)) + "\n"


def _lines(report: TranslationReport) -> Iterator[str]:
    host = f" for {report.profile}" if report.profile else ""
    rules = len(report.rules)
    yield f"to {report.target} ({report.format}){host}"
    yield (
        f"{rules} {'rule' if rules == 1 else 'rules'}: {report.count(Fidelity.EXACT)} exact, "
        f"{report.count(Fidelity.APPROXIMATE)} approximate, {report.count(Fidelity.REFUSED)} refused"
    )
    yield ""
    yield from chain.from_iterable(_rule(one) for one in report.rules)
    if report.remarks:
        yield ""
        yield from (_remark(one) for one in report.remarks)


def _rule(one: RuleTranslation) -> Iterator[str]:
    yield f"{_place(one.place)}: {one.fidelity.value}: {one.words}"
    for became in one.became:
        yield f"    {became.file}: {became.words}"
    for difference in one.differences:
        name = f"differs (`{difference.name}`)" if one.fidelity is Fidelity.APPROXIMATE else "refused"
        yield f"    {name}: {difference.message}"
    for note in one.notes:
        yield f"    note: {note}"


def _remark(one: Remark) -> str:
    place = f"{_place(one.place)}: " if one.place.file else ""
    return f"{place}{one.severity.value}[{one.code}]: {one.message}"


def _place(place: Place) -> str:
    return f"{place.file}:{place.line}" if place.line else place.file or "(no file)"
