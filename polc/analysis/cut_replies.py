"""POL302: a closed chain that lets no replies in."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.model import Lint, warning
from polc.analysis.reach import closed, only_states, states
from polc.analysis.walk import walk
from polc.diagnostics import Diagnostic
from polc.ir.matches import CtState
from polc.ir.ruleset import BaseChain, Hook, Rule
from polc.ir.verdicts import Accept
from polc.policy.read import Inspection


def _check(policy: Inspection) -> Iterator[Diagnostic]:
    for chain in policy.ruleset.chains:
        # At ingress nothing knows of connections yet.
        if not isinstance(chain, BaseChain) or chain.hook is Hook.INGRESS or not closed(policy.ruleset, chain):
            continue
        if not any(_keeps_replies(step.whole) for step in walk(policy.ruleset, chain)):
            yield warning(
                "POL302",
                f"`{chain.name}` drops what no rule accepts, and no rule accepts replies",
                chain.origin.span,
                help="begin its rules with `use stateful`",
            )


def _keeps_replies(rule: Rule) -> bool:
    return isinstance(rule.verdict, Accept) and only_states(rule) and CtState.ESTABLISHED in states(rule)


LINT = Lint("POL302", _check)
