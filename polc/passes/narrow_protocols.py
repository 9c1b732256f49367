"""A rule that asks for something of TCP speaks of TCP alone.

After this pass no rule has a service of another protocol beside a match that only TCP packets can meet; targets
refuse such contradictions or load what never matches. A rule of which nothing is left is gone.
"""

from __future__ import annotations

from dataclasses import replace

from polc.ir.matches import Match, ServiceMatch, of_tcp_alone
from polc.ir.protocols import TCP
from polc.ir.ruleset import Chain, Rule, Ruleset


def narrow_protocols(ruleset: Ruleset) -> Ruleset:
    def in_chain(chain: Chain) -> Chain:
        return replace(chain, rules=tuple(new for rule in chain.rules if (new := narrow_rule(rule)) is not None))

    return replace(ruleset, chains=tuple(in_chain(chain) for chain in ruleset.chains))


def narrow_rule(rule: Rule) -> Rule | None:
    """The rule with the terms of its services that a packet can meet, or None where there is none."""
    if not any(isinstance(match, ServiceMatch) for match in rule.matches):
        return rule
    if not any(of_tcp_alone(match) for match in rule.matches):
        return rule
    matches: list[Match] = []
    for match in rule.matches:
        if isinstance(match, ServiceMatch):
            terms = tuple(term for term in match.terms if term.protocol == TCP)
            if not terms:
                return None
            matches.append(ServiceMatch(terms))
        else:
            matches.append(match)
    return replace(rule, matches=tuple(matches))
