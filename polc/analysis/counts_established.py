"""POL301: a limit or hit count that sees the packets of established connections."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.model import Lint, place, warning
from polc.analysis.reach import decides, keeps_count, only_states, states, takes_tcp
from polc.analysis.walk import Step, walk
from polc.diagnostics import Diagnostic
from polc.ir.matches import CtState
from polc.ir.ruleset import BaseChain, Hook, Rule
from polc.ir.verdicts import Drop, Reject
from polc.policy.read import Inspection


def _check(policy: Inspection) -> Iterator[Diagnostic]:
    for chain in policy.ruleset.chains:
        # At ingress nothing knows of connections yet: what is counted there are packets.
        if not isinstance(chain, BaseChain) or chain.hook is Hook.INGRESS:
            continue
        settling: list[Step] = []
        for step in walk(policy.ruleset, chain):
            if _settles(step.rule):
                settling.append(step)
            elif _cuts(step.whole) and not any(map(step.follows, settling)):
                yield warning(
                    "POL301",
                    "this counts every packet of an established connection, and can cut it off",
                    place(step.rule),
                    help="add `state new`, or put `use stateful` above it; `polc explain POL301` says why",
                )


def _cuts(rule: Rule) -> bool:
    ends = isinstance(rule.verdict, Drop | Reject)
    return ends and keeps_count(rule) and takes_tcp(rule) and CtState.ESTABLISHED in states(rule)


def _settles(rule: Rule) -> bool:
    """Whether the rule decides every established packet that comes to it."""
    return decides(rule) and only_states(rule) and CtState.ESTABLISHED in states(rule)


LINT = Lint("POL301", _check)
