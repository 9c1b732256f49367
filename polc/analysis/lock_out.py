"""POL306: a closed input that lets no new session of the service in by which the host is managed."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.model import Lint
from polc.analysis.reach import closed, filter_chain, states
from polc.analysis.terms import covers, meets, shown
from polc.analysis.walk import walk
from polc.diagnostics import Diagnostic, Label, Severity
from polc.ir.family import BOTH
from polc.ir.intervals import Intervals
from polc.ir.matches import CtState, CtStateMatch, InterfaceMatch, PortTerm, ServiceMatch, ServiceTerm
from polc.ir.protocols import TCP
from polc.ir.ruleset import BaseChain, Hook, Rule, Ruleset
from polc.ir.verdicts import Accept, Drop, Reject
from polc.policy.read import Inspection

_SSH = PortTerm(TCP, dport=Intervals.single(22))


def _check(policy: Inspection) -> Iterator[Diagnostic]:
    chain = filter_chain(policy.ruleset, Hook.INPUT)
    if chain is None or not chain.origin.span or not closed(policy.ruleset, chain):
        return
    management = policy.settings.management
    wanted = tuple(part.term for part in management) if management else (_SSH,)
    found = _way_in(policy.ruleset, chain, wanted)
    if found is True:
        return
    names = ", ".join(map(shown, wanted))
    by = f"by {names}" if management else "over SSH"
    also = (Label(found.origin.span, "drops them from everywhere"),) if found and found.origin.span else ()
    yield Diagnostic(
        "POL306",
        f"no rule accepts new connections to {names}: a host that is managed {by} is locked",
        (Label(chain.origin.span), *also),
        "put the rule that accepts them above the one that drops them"
        if also
        else f"add a rule such as `accept {'ssh' if wanted == (_SSH,) else names} from @admins state new`",
        Severity.WARNING,
    )


def _way_in(ruleset: Ruleset, chain: BaseChain, wanted: tuple[ServiceTerm, ...]) -> bool | Rule | None:
    """True, or what drops the last of the service, None where nothing but the chain's end does."""
    waiting = wanted
    for step in walk(ruleset, chain):
        rule = step.whole
        if isinstance(rule.verdict, Accept) and _lets_in(rule, waiting):
            return True
        if isinstance(rule.verdict, Drop | Reject) and _from_everywhere(rule):
            waiting = tuple(term for term in waiting if not _takes_all(rule, term))
            if not waiting:
                return step.rule if rule.matches else None
    return None


def _lets_in(rule: Rule, waiting: tuple[ServiceTerm, ...]) -> bool:
    local = any(
        _is_loopback(match) and not match.negated for match in rule.matches if isinstance(match, InterfaceMatch)
    )
    services = [match.terms for match in rule.matches if isinstance(match, ServiceMatch)]
    named = any(all(any(meets(one, term) for one in terms) for terms in services) for term in waiting)
    return named and CtState.NEW in states(rule) and not local


def _from_everywhere(rule: Rule) -> bool:
    """Whether only service and state narrow the rule for what comes from outside, and new connections meet it."""
    plain = all(
        isinstance(match, ServiceMatch | CtStateMatch)
        or (isinstance(match, InterfaceMatch) and match.negated and _is_loopback(match))
        for match in rule.matches
    )
    return plain and CtState.NEW in states(rule) and rule.families == BOTH


def _is_loopback(match: InterfaceMatch) -> bool:
    return all(pattern.name == "lo" for pattern in match.patterns)


def _takes_all(rule: Rule, term: ServiceTerm) -> bool:
    return all(
        any(covers(one, term) for one in match.terms) for match in rule.matches if isinstance(match, ServiceMatch)
    )


LINT = Lint("POL306", _check)
