"""Two rules for one service of several protocols, as UDP and TCP of DNS are, as the one rule that was meant."""

from __future__ import annotations

from dataclasses import replace

from polc.ir.family import Family
from polc.ir.matches import STATEFUL, ServiceMatch
from polc.ir.ruleset import Rule
from polc.ir.services import normalise
from polc.ir.verdicts import Accept, Drop, Reject
from polc.lift.services import known


def paired(rules: tuple[Rule, ...], families: frozenset[Family]) -> tuple[Rule, ...]:
    """The rules, neighbours joined that end the way of their packets and do nothing else."""
    found: list[Rule] = []
    for rule in rules:
        both = _both(found[-1], rule, families) if found else None
        if both is None:
            found.append(rule)
        else:
            found[-1] = both
    return tuple(found)


def _both(one: Rule, other: Rule, families: frozenset[Family]) -> Rule | None:
    if not isinstance(one.verdict, Accept | Drop | Reject) or one.verdict != other.verdict:
        return None
    if one.statements or other.statements or one.families != other.families:
        return None
    if one.origin.comment != other.origin.comment or any(isinstance(match, STATEFUL) for match in one.matches):
        return None
    mine, theirs = _service(one), _service(other)
    if mine is None or theirs is None:
        return None
    rest = [match for match in one.matches if match is not mine]
    if rest != [match for match in other.matches if match is not theirs]:
        return None
    union = normalise((*mine.terms, *theirs.terms))
    if frozenset(union.terms) not in known(families):
        return None
    matches = tuple(union if match is mine else match for match in one.matches)
    return replace(one, matches=matches, origin=one.origin.with_also(other.origin))


def _service(rule: Rule) -> ServiceMatch | None:
    found = [match for match in rule.matches if isinstance(match, ServiceMatch)]
    return found[0] if len(found) == 1 else None
