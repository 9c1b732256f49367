"""POL324: rules of different verdicts that have packets in common, of which neither is an exception of the other."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.builtin import is_builtin
from polc.analysis.exact import Exact, Part, View, place_of
from polc.analysis.model import ExactLint
from polc.diagnostics import Diagnostic, Label, Severity
from polc.ir.ruleset import Rule
from polc.ir.verdicts import Accept, Drop, Reject
from polc.source import Span
from polc.symbolic.diagram import NONE

MOST_NAMED = 5
"""Rules that are pointed at."""


def _check(exact: Exact) -> Iterator[Diagnostic]:
    for written in exact.written:
        if is_builtin(written.span):
            continue
        found: dict[tuple[str, int], Span] = {}
        for part in written.parts:
            if not _decides(part.rule):
                continue
            for view in exact.views:
                for rule in _correlated(exact, view, part):
                    place = place_of(rule)
                    span = rule.origin.span
                    if place is not None and span is not None and span != written.span and not is_builtin(span):
                        found.setdefault(place, span)
        if found:
            shown = list(found.values())[:MOST_NAMED]
            more = f"; {len(found) - len(shown)} more are not shown" if len(found) > len(shown) else ""
            others = "another rule" if len(found) == 1 else f"{len(found)} others"
            yield Diagnostic(
                "POL324",
                f"this rule and {others} above it decide differently about packets that they have in common{more}",
                (Label(written.span, "decides what they leave"), *(Label(one, "comes first") for one in shown)),
                "look whether the order is meant: either way round, packets fare differently",
                Severity.NOTE,
            )


def _correlated(exact: Exact, view: View, part: Part) -> Iterator[Rule]:
    manager, arrivals = view.space.manager, view.arrivals
    coming = arrivals.coming(part.chain)
    own = manager.where(arrivals.chains.condition(part.rule), coming)
    if own == NONE:
        return
    enders, _ = arrivals.enders(part.chain, part.number, own)
    for one in enders:
        rule = exact.chains[part.chain].rules[one]
        if not _decides(rule) or rule.verdict == part.rule.verdict:
            continue
        other = manager.where(arrivals.chains.condition(rule), coming)
        if manager.minus(own, other) != NONE and manager.minus(other, own) != NONE:
            yield rule


def _decides(rule: Rule) -> bool:
    """A rule for every packet is a default: of it, all others are exceptions."""
    return isinstance(rule.verdict, Accept | Drop | Reject) and bool(rule.matches)


LINTS = (ExactLint(("POL324",), _check, asked_for=True),)
