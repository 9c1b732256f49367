"""Rules that are those of a built-in macro, in its order, as `use NAME`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from polc.ir.family import Family
from polc.ir.matches import Match
from polc.ir.ruleset import ChainType, Rule
from polc.ir.stateful import Limit
from polc.ir.statements import Counter
from polc.passes.split_families import split_rule
from polc.policy.lower.macros import ECHO_BURST, ECHO_RATE, MACROS
from polc.policy.lower.places import TRACKED
from polc.policy.lower.scope import Place

_BACKWARDS = ("stateful",)
"""Macros whose rules no packet meets two of, so that their order is no matter."""


@dataclass(frozen=True, slots=True)
class Use:
    """``rules`` are those that the macro is."""

    macro: str
    rules: tuple[Rule, ...]


def recognised(rules: Sequence[Rule], places: Iterable[Place], families: frozenset[Family]) -> list[Rule | Use]:
    """The rules of a chain that packets come to from ``places``, those of macros as one each."""
    patterns = _patterns(tuple(places), families)
    found: list[Rule | Use] = []
    at = 0
    while at < len(rules):
        use = next((use for macro, wanted in patterns if (use := _at(rules, at, macro, wanted))), None)
        found.append(use or rules[at])
        at += len(use.rules) if use else 1
    return found


def _patterns(places: tuple[Place, ...], families: frozenset[Family]) -> list[tuple[str, list[Rule]]]:
    if not places or not all(TRACKED.fits(one) and one.type is not ChainType.NAT for one in places):
        return []
    found = []
    for macro, by_hook in MACROS.items():
        kinds = {by_hook.get(one.hook) for one in places}
        own = next(iter(kinds)) if len(kinds) == 1 else None
        if own is None or isinstance(own, str):
            continue
        rules = [Rule((*one.matches, *((_ECHO,) if one.echo else ())), one.verdict, families=families) for one in own]
        narrowed = [new for one in rules for new in _families(one)]
        found.append((macro, narrowed))
        if macro in _BACKWARDS:
            found.append((macro, narrowed[::-1]))
    # The longest first: the rules of one may be the first of another.
    return sorted((one for one in found if one[1]), key=lambda one: -len(one[1]))


_ECHO = Limit(ECHO_RATE, ECHO_BURST, False, (), "")


def _families(rule: Rule) -> list[Rule]:
    """The rule for all families of which packets meet it."""
    parts = split_rule(rule, {})
    families = frozenset(family for one in parts for family in one.families)
    return [replace(rule, families=families)] if families else []


def _at(rules: Sequence[Rule], at: int, macro: str, wanted: list[Rule]) -> Use | None:
    own = tuple(rules[at : at + len(wanted)])
    if len(own) < len(wanted) or len({one.origin.comment for one in own}) > 1:
        return None
    if all(_same(one, other) for one, other in zip(own, wanted, strict=True)):
        return Use(macro, own)
    return None


def _same(rule: Rule, wanted: Rule) -> bool:
    return (
        rule.verdict == wanted.verdict
        and {type(one) for one in rule.matches} == {type(one) for one in wanted.matches}
        and not any(not isinstance(one, Counter) or one.name for one in rule.statements)
        and _asked(rule) == _asked(wanted)
    )


def _asked(rule: Rule) -> frozenset[tuple[frozenset[Match], Family]]:
    """What it asks of packets of each family."""
    return frozenset(
        (frozenset(_nameless(match) for match in one.matches), family)
        for one in split_rule(rule, {})
        for family in one.families
    )


def _nameless(match: Match) -> Match:
    return replace(match, table="") if isinstance(match, Limit) else match
