"""POL303: a closed input that cuts the host off from itself."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.model import Lint, warning
from polc.analysis.reach import closed, filter_chain
from polc.analysis.walk import walk
from polc.diagnostics import Diagnostic
from polc.ir.matches import InterfaceMatch
from polc.ir.ruleset import Hook, Rule
from polc.ir.verdicts import Accept
from polc.policy.read import Inspection


def _check(policy: Inspection) -> Iterator[Diagnostic]:
    for hook in (Hook.INPUT, Hook.OUTPUT):
        chain = filter_chain(policy.ruleset, hook)
        if chain is None or not closed(policy.ruleset, chain):
            continue
        if not any(_keeps_loopback(step.whole) for step in walk(policy.ruleset, chain)):
            yield warning(
                "POL303",
                f"`{chain.name}` drops what no rule accepts, and no rule accepts the loopback interface",
                chain.origin.span,
                help="add `use loopback`: programs of a host talk to each other over it",
            )


def _keeps_loopback(rule: Rule) -> bool:
    return isinstance(rule.verdict, Accept) and all(
        isinstance(match, InterfaceMatch)
        and not match.negated
        and any(pattern.name == "lo" for pattern in match.patterns)
        for match in rule.matches
    )


LINT = Lint("POL303", _check)
