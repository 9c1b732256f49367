"""POL328: tests of a policy that it does not pass; POL326: rules that accept what no test sends."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.builtin import is_builtin
from polc.diagnostics import Diagnostic, Label, Severity
from polc.ir.origin import Origin
from polc.ir.ruleset import Ruleset
from polc.ir.verdicts import Accept
from polc.simulate.settings import Settings
from polc.testing.coverage import Line, coverage
from polc.testing.results import CaseResult, Status
from polc.testing.simulated import run_simulated
from polc.testing.suite import Suite


def contradictions(suite: Suite, settings: Settings | None = None) -> Iterator[Diagnostic]:
    """What the tests of a policy say of it, in the order of the tests, and then of the rules; nothing without tests.

    Raises:
        Failure: POL062: an answer that there cannot be.
    """
    if not suite.cases:
        return
    met: set[Origin] = set()
    for case, steps in zip(suite.cases, suite.steps, strict=True):
        result, origins = run_simulated(case, steps, suite.ruleset, suite.host, settings or Settings())
        met |= origins
        if result.status is Status.FAILED:
            yield from _contradicted(result)
    accepting = set(_accepts(suite.ruleset))
    for line in coverage(suite.ruleset, met).unreached:
        if line in accepting and not is_builtin(line.span):
            yield Diagnostic(
                "POL326",
                "no test sends a packet that this rule accepts",
                (Label(line.span),),
                "a test of it, or a suppression",
                Severity.NOTE,
            )


def _contradicted(result: CaseResult) -> Iterator[Diagnostic]:
    for step in result.steps:
        if not step.wrong:
            continue
        labels = [Label(step.step.span, "; ".join(step.wrong))]
        decided = step.seen.decided if step.seen else None
        if decided is not None:
            labels.append(Label(decided, "decides"))
        what = f"step `{step.step.text}` of this test" if result.case.is_scenario else "this test"
        because = f" ({result.case.because})" if result.case.because else ""
        yield Diagnostic(
            "POL328",
            f"the policy contradicts {what}{because}: {step.wrong[0]}",
            tuple(labels),
            "change the rule that decides, or the test if that is what is meant; `polc simulate --trace` tells the way",
            Severity.WARNING,
        )
        # What follows hangs on it.
        return


def _accepts(ruleset: Ruleset) -> Iterator[Line]:
    for chain in ruleset.chains:
        for rule in chain.rules:
            # What is written out for a chain's default is nobody's rule.
            if isinstance(rule.verdict, Accept) and rule.origin.span and rule.origin.name != "default":
                yield Line(rule.origin.span, rule.origin.name)
