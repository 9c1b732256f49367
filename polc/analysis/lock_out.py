"""POL306: a closed input that lets no new SSH session in."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.model import Lint, warning
from polc.analysis.reach import closed, filter_chain, states, takes_tcp
from polc.diagnostics import Diagnostic
from polc.ir.matches import CtState, InterfaceMatch
from polc.ir.ruleset import Hook, Rule, Ruleset
from polc.ir.verdicts import Accept

_SSH = 22


def _check(ruleset: Ruleset) -> Iterator[Diagnostic]:
    chain = filter_chain(ruleset, Hook.INPUT)
    if chain is not None and closed(chain) and not any(map(_lets_ssh_in, chain.rules)):
        yield warning(
            "POL306",
            "no rule accepts new connections to tcp/22: a host that is managed over SSH is locked",
            chain.origin.span,
            help="add a rule such as `accept ssh from @admins state new`",
        )


def _lets_ssh_in(rule: Rule) -> bool:
    local = any(
        isinstance(match, InterfaceMatch) and all(pattern.name == "lo" for pattern in match.patterns)
        for match in rule.matches
    )
    return isinstance(rule.verdict, Accept) and takes_tcp(rule, _SSH) and CtState.NEW in states(rule) and not local


LINT = Lint("POL306", _check)
