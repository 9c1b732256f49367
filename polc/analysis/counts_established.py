"""POL301: a limit or hit count that sees the packets of established connections."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.model import Lint, place, warning
from polc.analysis.reach import before, decides, keeps_count, only_states, states, takes_tcp
from polc.diagnostics import Diagnostic
from polc.ir.matches import CtState
from polc.ir.ruleset import BaseChain, Rule, Ruleset
from polc.ir.verdicts import Drop, Reject


def _check(ruleset: Ruleset) -> Iterator[Diagnostic]:
    for chain in ruleset.chains:
        if isinstance(chain, BaseChain):
            for rule in chain.rules:
                if _cuts(rule) and not _settled_before(chain, rule):
                    yield warning(
                        "POL301",
                        "this counts every packet of an established connection, and can cut it off",
                        place(rule),
                        help="add `state new`, or put `use stateful` above it; `polc explain POL301` says why",
                    )


def _cuts(rule: Rule) -> bool:
    ends = isinstance(rule.verdict, Drop | Reject)
    return ends and keeps_count(rule) and takes_tcp(rule) and CtState.ESTABLISHED in states(rule)


def _settled_before(chain: BaseChain, rule: Rule) -> bool:
    """Whether an earlier rule decides every established packet, so that none gets here."""
    return any(decides(one) and only_states(one) and CtState.ESTABLISHED in states(one) for one in before(chain, rule))


LINT = Lint("POL301", _check)
