"""Rules that say the same of each family, with those of one family between them at most, as one rule of both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from polc.ir.family import BOTH
from polc.ir.matches import AddressMatch, Match, ServiceMatch, SetMatch
from polc.ir.protocols import ICMP_FAMILY
from polc.ir.ruleset import Rule
from polc.ir.services import normalise
from polc.ir.statements import Statement, UpdateSet

_FARTHEST = 64
"""Rules that one goes past at most."""


def joined(rules: tuple[Rule, ...], groups: Mapping[str, str]) -> tuple[Rule, ...]:
    """``groups`` are the names of groups by those of the sets that they are, one a family."""
    found: list[Rule] = []
    for rule in rules:
        at = len(found) - 1
        both = None
        # Past rules of the other family it may go: no packet meets both.
        for at in range(len(found) - 1, max(len(found) - _FARTHEST, 0) - 1, -1):
            both = _both(found[at], rule, groups)
            if both is not None or found[at].families & rule.families:
                break
        if both is None:
            found.append(rule)
        else:
            found[at] = both
    return tuple(found)


def _both(one: Rule, other: Rule, groups: Mapping[str, str]) -> Rule | None:
    if one.families & other.families or len(one.matches) != len(other.matches) or one.verdict != other.verdict:
        return None
    if (one.origin.comment, one.origin.name) != (other.origin.comment, other.origin.name):
        return None
    if len(one.statements) != len(other.statements):
        return None
    matches: list[Match] = []
    for mine, theirs in zip(one.matches, other.matches, strict=True):
        match = _match(mine, theirs, groups)
        if match is None:
            return None
        matches.append(match)
    if not all(_alike(mine, theirs, groups) for mine, theirs in zip(one.statements, other.statements, strict=True)):
        return None
    return replace(one, matches=tuple(matches), families=BOTH, origin=one.origin.with_also(other.origin))


def _match(mine: Match, theirs: Match, groups: Mapping[str, str]) -> Match | None:
    if mine == theirs:
        return mine
    match mine, theirs:
        case AddressMatch(), AddressMatch() if (mine.side, mine.negated) == (theirs.side, theirs.negated):
            if mine.addresses.families & theirs.addresses.families:
                return None
            return replace(mine, addresses=mine.addresses.union(theirs.addresses), group=_group(mine, theirs))
        case SetMatch(), SetMatch() if (mine.key, mine.negated) == (theirs.key, theirs.negated):
            name = groups.get(mine.set_name)
            return mine if name is not None and name == groups.get(theirs.set_name) else None
        case ServiceMatch(), ServiceMatch():
            rest = [[term for term in one.terms if term.protocol not in ICMP_FAMILY] for one in (mine, theirs)]
            return normalise((*mine.terms, *theirs.terms)) if rest[0] == rest[1] else None
        case _:
            return None


def _group(mine: AddressMatch, theirs: AddressMatch) -> str:
    """``banned`` and ``banned6``, ``banned-v4`` and ``banned-v6`` are ``banned``."""
    one, other = (re.sub(r"[-_.]?(?:ip)?(?:v?4|v?6)$", "", name) for name in (mine.group, theirs.group))
    return one if one == other else ""


def _alike(mine: Statement, theirs: Statement, groups: Mapping[str, str]) -> bool:
    match mine, theirs:
        case UpdateSet(), UpdateSet():
            name = groups.get(mine.set_name)
            return (
                replace(mine, set_name=theirs.set_name) == theirs
                and name is not None
                and name == groups.get(theirs.set_name)
            )
        case _:
            return mine == theirs
