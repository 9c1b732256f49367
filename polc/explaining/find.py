"""Which rule of a policy somebody means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from polc.diagnostics import Failure
from polc.ir.ruleset import Chain, Rule, Ruleset
from polc.policy.read import Inspection
from polc.source import Span


@dataclass(frozen=True, slots=True)
class Written:
    """A rule as it was written: ``name`` is ``SECTION/NUMBER``, counted from 1; ``id`` may be empty."""

    name: str
    id: str
    span: Span


def find_rule(inspected: Inspection, selector: str) -> Written:
    """``input/3``: the third rule of a section or chain; ``:14`` or ``14``: the one that begins in that line of the
    policy's own file; anything else is the ``id`` of a rule.

    Raises:
        Failure: POL067: there is no such rule.
    """
    rules = list(_written(inspected))
    digits = selector.removeprefix(":")
    if digits.isascii() and digits.isdigit():
        on_line = [one for one in rules if inspected.own(one.span) and one.span.line == int(digits)]
        if not on_line:
            raise Failure.of(
                "POL067", f"no rule begins in line {digits}", help=_near_line(rules, inspected, int(digits))
            )
        return on_line[0]
    for one in rules:
        if selector in (one.name, one.id):
            return one
    names = [name for one in rules for name in (one.name, one.id) if name]
    near = get_close_matches(selector, names, 1)
    known = (
        f"did you mean `{near[0]}`?" if near else f"rules are `SECTION/NUMBER`, such as `{names[0]}`" if names else ""
    )
    raise Failure.of("POL067", f"the policy has no rule `{selector}`", help=known)


def _near_line(rules: list[Written], inspected: Inspection, line: int) -> str:
    before = [one for one in rules if inspected.own(one.span) and one.span.line <= line]
    return f"`{before[-1].name}` begins in line {before[-1].span.line}" if before else ""


def _written(inspected: Inspection) -> Iterator[Written]:
    found = inspected.written
    for section, rules in (*found.base.items(), *found.chains.items()):
        for number, rule in enumerate(rules, 1):
            yield Written(f"{section}/{number}", rule.id.text if rule.id else "", rule.span)


def made_of(ruleset: Ruleset, span: Span) -> Iterator[tuple[Chain, int, Rule]]:
    """The rules of the IR that came from what stands at ``span``, with their chains and their numbers there from 0."""
    for chain in ruleset.chains:
        for number, rule in enumerate(chain.rules):
            if rule.origin.span == span:
                yield chain, number, rule
