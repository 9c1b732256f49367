"""POL302: a closed chain that lets no replies in."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.model import Lint, warning
from polc.analysis.reach import closed, only_states, states
from polc.diagnostics import Diagnostic
from polc.ir.matches import CtState
from polc.ir.ruleset import BaseChain, Ruleset
from polc.ir.verdicts import Accept


def _check(ruleset: Ruleset) -> Iterator[Diagnostic]:
    for chain in ruleset.chains:
        if isinstance(chain, BaseChain) and closed(chain):
            kept = any(
                isinstance(rule.verdict, Accept) and only_states(rule) and CtState.ESTABLISHED in states(rule)
                for rule in chain.rules
            )
            if not kept:
                yield warning(
                    "POL302",
                    f"`{chain.name}` drops what no rule accepts, and no rule accepts replies",
                    chain.origin.span,
                    help="begin its rules with `use stateful`",
                )


LINT = Lint("POL302", _check)
