"""POL307: `related` without any helper, which then means ICMP errors and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.model import Lint, note, place
from polc.analysis.spread import spread
from polc.diagnostics import Diagnostic
from polc.ir.matches import CtState, CtStateMatch
from polc.ir.statements import AssignHelper
from polc.ir.verdicts import Accept
from polc.policy.read import Inspection


def _check(policy: Inspection) -> Iterator[Diagnostic]:
    rules = [rule for chain in policy.ruleset.chains for written in chain.rules for rule in spread(written)]
    if any(isinstance(one, AssignHelper) for rule in rules for one in rule.statements):
        return
    for rule in rules:
        # `use stateful` names it for the ICMP errors; only who writes `related` alone can mean more by it.
        wanted = [match.states for match in rule.matches if isinstance(match, CtStateMatch)]
        if isinstance(rule.verdict, Accept) and CtState.RELATED in wanted:
            yield note(
                "POL307",
                "no helper is attached anywhere, so `related` admits ICMP errors only",
                place(rule),
                help="`polc explain helpers` says what makes a second connection related",
            )


LINT = Lint("POL307", _check)
