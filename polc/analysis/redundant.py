"""POL322: rules without which every packet fares the same."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.exact import Exact
from polc.analysis.model import ExactLint
from polc.diagnostics import Diagnostic, Label, Severity
from polc.ir.ruleset import Rule
from polc.ir.statements import Counter
from polc.symbolic.diagram import NONE
from polc.symbolic.remainders import needless


def _check(exact: Exact) -> Iterator[Diagnostic]:
    unmet = {one.span for one in exact.unmet}
    needed: set[tuple[str, int]] = set()
    idle: set[tuple[str, int]] = set()
    for view in exact.views:
        for name, chain in exact.chains.items():
            if view.arrivals.coming(name) == NONE:
                continue
            alive = [number for number in range(len(chain.rules)) if view.arrivals.meeting(name, number) != NONE]
            found = set(needless(view.arrivals, chain, alive))
            for number in alive:
                (idle if number in found else needed).add((name, number))
    for written in exact.written:
        places = {(part.chain, part.number) for part in written.parts}
        if any(_says_something(part.rule) for part in written.parts):
            continue
        if written.span not in unmet and places & idle and not places & needed:
            yield Diagnostic(
                "POL322",
                "this rule is redundant: without it every packet fares the same",
                (Label(written.span),),
                "remove it, unless it says something to its readers",
                Severity.NOTE,
            )


def _says_something(rule: Rule) -> bool:
    """Whether it only counts, or is a chain's end as people write it."""
    return (rule.verdict is None and Counter() in rule.statements) or not rule.matches


LINTS = (ExactLint(("POL322",), _check),)
