"""A policy with its tests: those in it, in its includes, and in a file beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from polc.diagnostics import Collector, Diagnostic, Failure
from polc.ir.ruleset import Ruleset
from polc.passes import pipeline
from polc.policy.merge import load
from polc.policy.read import Inspection, inspect_policy
from polc.simulate.assumed import assumed_host
from polc.simulate.host import Host
from polc.simulate.host_text import read_host
from polc.simulate.steps import Step
from polc.source import SourceFile
from polc.testing.beside import beside
from polc.testing.cases import Case, read_cases
from polc.testing.hosts import described_host


@dataclass(frozen=True, slots=True)
class Suite:
    """``ruleset`` has gone through the passes. ``steps`` are those of each case on the host."""

    ruleset: Ruleset
    host: Host
    cases: tuple[Case, ...]
    steps: tuple[tuple[Step, ...], ...]


def read_suite(path: str, others: tuple[str, ...], host_text: str | None, collector: Collector) -> Suite:
    """The tests of the policy ``path`` and of the files ``others``; without those, of a file beside it.

    ``host_text`` describes the host, where the policy does not (None), or comes before what it says.

    Raises:
        Failure: with all that is wrong in any of the files.
    """
    return suite_of(inspect_policy(path, collector), others or beside(path), host_text, collector)


def suite_of(
    inspected: Inspection, others: tuple[str, ...], host_text: str | None, collector: Collector, prefix: str = ""
) -> Suite:
    """As ``read_suite``, of a policy at hand; ``prefix`` stands before the names of its cases."""
    nodes = list(inspected.merged.tests)
    for other in others:
        merged = load(other, collector)
        collector.raise_if_errors()
        nodes += merged.tests
    cases = tuple(replace(one, name=f"{prefix}{one.name}") for one in read_cases(nodes))
    ruleset = pipeline.run(inspected.ruleset)
    host = described_host(inspected) if host_text is None else read_host(SourceFile("--host", host_text))
    if host is None:
        host = assumed_host(
            (ruleset,), (name for case in cases for step in case.steps for name in step.draft.interfaces)
        )
    return Suite(ruleset, host, cases, _on_host(cases, host))


def _on_host(cases: tuple[Case, ...], host: Host) -> tuple[tuple[Step, ...], ...]:
    found: list[tuple[Step, ...]] = []
    wrong: list[Diagnostic] = []
    for case in cases:
        try:
            found.append(tuple(step.draft.step(host) for step in case.steps))
        except Failure as failure:
            wrong += failure.diagnostics
    if wrong:
        raise Failure(wrong)
    return tuple(found)
