"""A rule that asks for something of one protocol speaks of that protocol alone.

After this pass no rule has a service of another protocol beside a match that only packets of one can meet, such as
TCP's flags, and none tests the protocol's number beside a service; targets refuse such contradictions or load what
never matches. A rule of which nothing is left is gone, and so is one that asks for something of two protocols.
"""

from __future__ import annotations

from dataclasses import replace

from polc.ir.intervals import Intervals
from polc.ir.matches import ElementMatch, Match, ServiceMatch, protocol_of
from polc.ir.ruleset import Chain, Rule, Ruleset
from polc.ir.selectors import Transport

_NUMBER = (Transport.PROTOCOL,)


def narrow_protocols(ruleset: Ruleset) -> Ruleset:
    def in_chain(chain: Chain) -> Chain:
        return replace(chain, rules=tuple(new for rule in chain.rules if (new := narrow_rule(rule)) is not None))

    return replace(ruleset, chains=tuple(in_chain(chain) for chain in ruleset.chains))


def narrow_rule(rule: Rule) -> Rule | None:
    """The rule with the terms of its services that a packet can meet, or None where no packet can meet it."""
    together = _in_service(rule)
    if together is None:
        return None
    rule = together
    asked = {protocol for match in rule.matches if (protocol := protocol_of(match)) is not None}
    if not asked:
        return rule
    if len(asked) > 1:
        return None
    if not any(isinstance(match, ServiceMatch) for match in rule.matches):
        return rule
    matches: list[Match] = []
    for match in rule.matches:
        if isinstance(match, ServiceMatch):
            terms = tuple(term for term in match.terms if term.protocol in asked)
            if not terms:
                return None
            matches.append(ServiceMatch(terms))
        else:
            matches.append(match)
    return replace(rule, matches=tuple(matches))


def _in_service(rule: Rule) -> Rule | None:
    """The rule without tests of the protocol's number beside services, whose terms then are those that pass them; None:
    none does.
    """
    if not any(isinstance(match, ServiceMatch) for match in rule.matches):
        return rule
    tests = [match for match in rule.matches if isinstance(match, ElementMatch) and match.key == _NUMBER]
    if not tests:
        return rule
    matches: list[Match] = []
    for match in rule.matches:
        if isinstance(match, ServiceMatch):
            terms = tuple(term for term in match.terms if all(_passes(test, term.protocol) for test in tests))
            if not terms:
                return None
            matches.append(ServiceMatch(terms))
        elif match not in tests:
            matches.append(match)
    return replace(rule, matches=tuple(matches))


def _passes(test: ElementMatch, protocol: int) -> bool:
    there = any(isinstance(part, Intervals) and protocol in part for element in test.elements for part in element)
    return there is not test.negated
