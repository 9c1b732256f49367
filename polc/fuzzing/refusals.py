"""What a case says that nobody takes: found by diagnostics, and taken out, so that the rest can be tried."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from polc.backends.model import Fidelity, Options
from polc.backends.registry import BACKENDS
from polc.compiler import produce
from polc.diagnostics import Collector, Failure
from polc.firewalls import firewall_of
from polc.fuzzing.case import Case
from polc.ir.ruleset import Ruleset
from polc.passes import pipeline
from polc.source import SourceFile, Span

_ROUNDS = 6


def taken(case: Case, targets: Collection[str]) -> Case:
    """The case without the rules that polc refuses to read, or that one of the targets cannot say exactly. What nobody
    knows how to take out stays, and so does what breaks polc down: whoever judges the case sees it.
    """
    for _ in range(_ROUNDS):
        try:
            places = list(_refused(case, targets))
        except Exception:
            return case
        if not places:
            return case
        less = _without(case, places)
        if less is None:
            return case
        case = less
    return case


def _refused(case: Case, targets: Iterable[str]) -> Iterable[Span | None]:
    try:
        firewall = firewall_of(SourceFile(case.kind.value, case.text), Collector())
        (ruleset,) = (pipeline.run(one) for one in firewall.rulesets)
    except Failure as failure:
        return _places(failure)
    return [place for target in targets for place in _not_said(ruleset, target)]


def _not_said(ruleset: Ruleset, target: str) -> list[Span | None]:
    try:
        output = produce(ruleset, target, Options(BACKENDS[target].formats[0]))
    except Failure as failure:
        return _places(failure)
    return [one.origin.span for one in output.deviations if one.fidelity is not Fidelity.EXACT]


def _places(failure: Failure) -> list[Span | None]:
    return [one.span for one in failure.diagnostics]


def _without(case: Case, places: Iterable[Span | None]) -> Case | None:
    """The case without the rules at these places of its text; None where no rule stands there."""
    lines = {span.line for span in places if span is not None and span.source.path == case.kind.value}
    rules = {found for line in lines if (found := case.rule_of(line)) is not None}
    return case.without(rules) if rules else None
