"""POL320: rules of which others have taken every packet; POL321: rules that no packet can meet."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.exact import Exact, Written
from polc.analysis.model import ExactLint
from polc.analysis.reach import is_last
from polc.analysis.takers import Taker, takers_of
from polc.diagnostics import Diagnostic, Label, Severity

MOST_NAMED = 5
"""Rules that are pointed at, of those that shadow one."""


def _check(exact: Exact) -> Iterator[Diagnostic]:
    for rule in exact.unmet:
        takers = takers_of(exact, rule)
        if any(is_last(one.rule, exact.ruleset) for one in takers):
            # POL305's: everything below it is never reached.
            continue
        yield _shadowed(rule, takers) if takers else _contradictory(exact, rule)


def _shadowed(rule: Written, takers: tuple[Taker, ...]) -> Diagnostic:
    named = [(one, one.rule.origin.span) for one in takers]
    shown = [(one, span) for one, span in named if span is not None][:MOST_NAMED]
    labels = [Label(rule.span, "never met")]
    for one, span in shown:
        what = "takes all of it" if len(takers) == 1 else "takes a part of it"
        labels.append(Label(span, f"{what}, before its chain" if one.before else what))
    by = "the rule before it" if len(takers) == 1 else f"{len(takers)} rules before it together"
    more = f"; {len(takers) - len(shown)} more are not shown" if len(takers) > len(shown) else ""
    return Diagnostic(
        "POL320",
        f"this rule is shadowed: {by} took every packet that it asks for{more}",
        tuple(labels),
        "move it up if it is meant to be an exception, or remove it",
        Severity.WARNING,
    )


def _contradictory(exact: Exact, rule: Written) -> Diagnostic:
    if any(exact.can_be(part) for part in rule.parts):
        message = "no packet that comes here meets this rule: it asks for others"
        hint = "look at the hook, and at the rules that lead to its chain"
    else:
        message = "no packet can meet this rule: what it asks for never comes together"
        hint = ""
    return Diagnostic("POL321", message, (Label(rule.span),), hint, Severity.WARNING)


LINTS = (ExactLint(("POL320", "POL321"), _check),)
