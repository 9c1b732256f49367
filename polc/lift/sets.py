"""Named sets: those that nothing changes are what they hold, the others are groups that are filled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from polc.ir.addresses import AddressSet
from polc.ir.family import FAMILIES, Family
from polc.ir.intervals import Intervals
from polc.ir.matches import AddressMatch, ElementMatch, Match, SetMatch
from polc.ir.ruleset import DynamicSet, Rule, Ruleset
from polc.ir.selectors import ADDRESS_TYPES
from polc.ir.statements import UpdateSet
from polc.lift.names import Names
from polc.lift.slots import of_family, plain

_SUFFIXES = {Family.IP: "-v4", Family.IP6: "-v6"}
"""polc/policy/lower/symbols.py: a group is one set of each family."""


@dataclass(slots=True)
class Group:
    """A group that is filled while the firewall runs; ``sets`` are those that it is, by their families."""

    name: str
    sets: dict[Family, DynamicSet]

    def set_name(self, family: Family) -> str:
        """What the set of a family is called once the policy is compiled."""
        return self.name + _SUFFIXES[family]

    @property
    def one(self) -> DynamicSet:
        return next(iter(self.sets.values()))


def settled(ruleset: Ruleset) -> tuple[Ruleset, tuple[DynamicSet, ...]]:
    """The ruleset with what sets hold that nothing changes, and those sets.

    Nothing is known of what somebody does by hand: a set without elements, or with a time, is there to be filled.
    """
    rules = [rule for chain in ruleset.chains for rule in chain.rules]
    changed = {one.set_name for rule in rules for one in rule.statements if isinstance(one, UpdateSet)}
    fixed = {one.name: one for one in ruleset.sets if one.elements and one.timeout is None and one.name not in changed}
    asked = {match.set_name for rule in rules for match in rule.matches if isinstance(match, SetMatch)}
    chains = tuple(
        replace(chain, rules=tuple(_settle(rule, fixed) for rule in chain.rules)) for chain in ruleset.chains
    )
    left = tuple(one for one in ruleset.sets if one.name not in fixed)
    return replace(ruleset, chains=chains, sets=left), tuple(one for name, one in fixed.items() if name in asked)


def _settle(rule: Rule, fixed: Mapping[str, DynamicSet]) -> Rule:
    if not any(isinstance(match, SetMatch) and match.set_name in fixed for match in rule.matches):
        return rule
    families = rule.families
    for match in rule.matches:
        if isinstance(match, SetMatch) and match.set_name in fixed:
            families &= fixed[match.set_name].families
    return replace(rule, matches=tuple(_held(match, fixed, families) for match in rule.matches), families=families)


def _held(match: Match, fixed: Mapping[str, DynamicSet], families: frozenset[Family]) -> Match:
    if not isinstance(match, SetMatch) or match.set_name not in fixed:
        return match
    found = plain(ElementMatch(match.key, fixed[match.set_name].elements, match.negated), families)
    return replace(found, group=match.set_name) if isinstance(found, AddressMatch) else found


def groups(ruleset: Ruleset, free: Names) -> list[Group]:
    """The groups that the sets of single addresses are: two of both families are one where their names say so."""
    found: list[Group] = []
    taken: set[str] = set()
    known = {one.name: one for one in ruleset.sets if is_group(one)}
    for one in known.values():
        if one.name in taken:
            continue
        family, other = (Family.IP, Family.IP6) if Family.IP in one.families else (Family.IP6, Family.IP)
        base = one.name.removesuffix(_SUFFIXES[family])
        twin = known.get(base + _SUFFIXES[other]) if base != one.name else None
        sets = {family: one}
        if twin and (twin.size, twin.timeout) == (one.size, one.timeout) and other in twin.families:
            sets[other] = twin
            taken.add(twin.name)
        found.append(Group(free.near(base if other in sets else one.name), sets))
    return found


def is_group(one: DynamicSet) -> bool:
    """Whether its keys are single addresses."""
    return len(one.types) == 1 and one.types[0] in ADDRESS_TYPES.values()


def elements(group: Group) -> AddressSet:
    """What is in a group in the beginning."""
    found = AddressSet()
    for family in FAMILIES:
        own = group.sets.get(family)
        if own:
            pairs = [pair for element in own.elements for part in element for pair in _pairs(part)]
            found = found.union(of_family(family, Intervals.of(pairs)))
    return found


def _pairs(part: object) -> Iterator[tuple[int, int]]:
    if isinstance(part, Intervals):
        yield from part.ranges
