"""A rule that asks for something of one protocol speaks of that protocol alone.

After this pass no rule has a service of another protocol beside a match that only packets of one can meet, such as
TCP's flags; targets refuse such contradictions or load what never matches. A rule of which nothing is left is gone,
and so is one that asks for something of two protocols.
"""

from __future__ import annotations

from dataclasses import replace

from polc.ir.matches import Match, ServiceMatch, protocol_of
from polc.ir.ruleset import Chain, Rule, Ruleset


def narrow_protocols(ruleset: Ruleset) -> Ruleset:
    def in_chain(chain: Chain) -> Chain:
        return replace(chain, rules=tuple(new for rule in chain.rules if (new := narrow_rule(rule)) is not None))

    return replace(ruleset, chains=tuple(in_chain(chain) for chain in ruleset.chains))


def narrow_rule(rule: Rule) -> Rule | None:
    """The rule with the terms of its services that a packet can meet, or None where no packet can meet it."""
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
