"""POL303: a closed input that cuts the host off from itself."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.model import Lint, warning
from polc.analysis.reach import closed, filter_chain
from polc.diagnostics import Diagnostic
from polc.ir.matches import InterfaceMatch
from polc.ir.ruleset import Hook, Rule, Ruleset
from polc.ir.verdicts import Accept


def _check(ruleset: Ruleset) -> Iterator[Diagnostic]:
    for hook in (Hook.INPUT, Hook.OUTPUT):
        chain = filter_chain(ruleset, hook)
        if chain is not None and closed(chain) and not any(map(_keeps_loopback, chain.rules)):
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
