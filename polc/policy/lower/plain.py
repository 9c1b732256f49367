"""The shortcut for the rules that large policies are made of."""

from __future__ import annotations

from polc.ir.family import BOTH
from polc.ir.matches import AddressMatch, Match, Side
from polc.ir.protocols import ICMP_FAMILY
from polc.ir.ruleset import Rule
from polc.ir.services import normalise
from polc.ir.verdicts import Accept, Drop
from polc.policy.document import Clause, Comment, Decision, Destination, RuleDocument, Source, States
from polc.policy.lower import places
from polc.policy.lower.branches import Branch, combine
from polc.policy.lower.endpoints import endpoint_branches
from polc.policy.lower.parts import origin_of, service_of, states_of
from polc.policy.lower.scope import Part, Scope

_PLAIN: frozenset[type[Clause]] = frozenset({Source, Destination, States, Comment})


def plain(rule: RuleDocument, scope: Scope) -> Rule | None:
    """The rule, where it only accepts or drops packets of one kind of addresses, of a service, in some states.

    Large policies are made of such rules, and most of ``_rule`` is about the others. None for those, and for any with
    something to be said of it, which ``_rule`` then says: this function says nothing.
    """
    decision = rule.verdict.decision if rule.verdict else None
    if decision not in (Decision.ACCEPT, Decision.DROP) or not all(type(one) in _PLAIN for one in rule.clauses):
        return None
    said = scope.collector.diagnostics
    before = len(said)
    places.check_rule(rule, scope)
    matches: tuple[Match, ...] = ()
    spoken = BOTH
    for clause, side in ((rule.find(Source), Side.SADDR), (rule.find(Destination), Side.DADDR)):
        if clause:
            branches = endpoint_branches(clause.endpoint, side, scope) or ()
            if matches and branches:
                branches = combine(((Branch(matches, spoken),), branches))
            if len(branches) != 1 or any(isinstance(one, AddressMatch) and one.negated for one in branches[0].matches):
                del said[before:]
                return None
            matches, spoken = branches[0].matches, spoken & branches[0].families
    service = service_of(rule, scope)
    states = rule.find(States)
    asked = states_of(states, scope) if states else None
    spoken &= scope.settings.families
    if service is None or len(said) > before or not spoken or any(map(_has_more, service)):
        del said[before:]
        return None
    if service:
        matches = (*matches, normalise(part.term for part in service))
    if asked:
        matches = (*matches, asked)
    return Rule(matches, Accept() if decision is Decision.ACCEPT else Drop(), (), spoken, origin_of(rule))


def _has_more(part: Part) -> bool:
    """Whether there is more to a part of a service than its ports: a helper, or a family that it is of."""
    return part.helper is not None or part.term.protocol in ICMP_FAMILY
