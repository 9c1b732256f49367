"""POL320: rules of which others have taken every packet; POL321: rules that no packet can meet."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.exact import Exact, Part, Written
from polc.analysis.model import ExactLint
from polc.analysis.reach import is_last
from polc.diagnostics import Diagnostic, Label, Severity

MOST_NAMED = 5
"""Rules that are pointed at, of those that shadow one."""


def _check(exact: Exact) -> Iterator[Diagnostic]:
    for rule in exact.unmet:
        takers, could = _before(exact, rule)
        if any(is_last(one.rule, exact.ruleset) for one in takers):
            # POL305's: everything below it is never reached.
            continue
        if takers:
            yield _shadowed(rule, takers)
        else:
            yield _contradictory(rule, could)


def _before(exact: Exact, rule: Written) -> tuple[list[Part], bool]:
    """The rules that take its packets, each written one once, and whether any packet could meet it without them."""
    found: dict[tuple[str, int], Part] = {}
    could = False
    for part in rule.parts:
        takers, possible = exact.before(part)
        could = could or possible
        for one in takers:
            span = one.rule.origin.span
            if span is not None and span != rule.span:
                found.setdefault((span.source.path, span.start), one)
    return list(found.values()), could


def _shadowed(rule: Written, takers: list[Part]) -> Diagnostic:
    shown = takers[:MOST_NAMED]
    labels = [Label(rule.span, "never met")]
    for one in shown:
        assert one.rule.origin.span is not None
        labels.append(Label(one.rule.origin.span, "takes all of it" if len(takers) == 1 else "takes a part of it"))
    by = "the rule before it" if len(takers) == 1 else f"{len(takers)} rules before it together"
    more = f"; {len(takers) - len(shown)} more are not shown" if len(takers) > len(shown) else ""
    return Diagnostic(
        "POL320",
        f"this rule is shadowed: {by} took every packet that it asks for{more}",
        tuple(labels),
        "move it up if it is meant to be an exception, or remove it",
        Severity.WARNING,
    )


def _contradictory(rule: Written, could: bool) -> Diagnostic:
    if could:
        message = "no packet that comes here meets this rule: it asks for others than what leads to its chain does"
        hint = "look at the rules that jump to the chain"
    else:
        message = "no packet can meet this rule: what it asks for never comes together"
        hint = ""
    return Diagnostic("POL321", message, (Label(rule.span),), hint, Severity.WARNING)


LINTS = (ExactLint(("POL320", "POL321"), _check),)
