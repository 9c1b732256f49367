"""Chains and sets that nft cannot call by their names get others: iptables and ipset take words and letters that nft
does not.

Nothing but the rules of the table calls a chain by its name. Of sets somebody may: so each new name is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from polc.backends.model import Deviation, Fidelity
from polc.backends.nft.names import FreshNames, is_name
from polc.ir.matches import Match, OpaqueMatch, SetMatch, Syntax
from polc.ir.origin import Origin
from polc.ir.ruleset import Chain, DynamicSet, Rule, Ruleset
from polc.ir.statements import Native, OpaqueStatement, Statement, UpdateSet
from polc.ir.verdicts import renamed as with_chains

NAME: Final = "renamed"


@dataclass(frozen=True, slots=True)
class _Names:
    """New names by the old ones; of what keeps its name, its own."""

    chains: Mapping[str, str]
    sets: Mapping[str, str]


def renamed(ruleset: Ruleset) -> tuple[Ruleset, tuple[Deviation, ...]]:
    """The ruleset with names that nft can spell, and a remark on each that is new.

    A name that rules call in nft's own words stays as it is: those are not polc's to change.
    """
    chains = [one.name for one in ruleset.chains]
    sets = [one.name for one in ruleset.sets]
    if all(map(is_name, chains)) and all(map(is_name, sets)):
        return ruleset, ()
    words = [*_words(ruleset)]
    names = _Names(_new(chains, words), _new(sets, words))
    return (
        replace(
            ruleset,
            chains=tuple(_chain(one, names) for one in ruleset.chains),
            sets=tuple(replace(one, name=names.sets[one.name]) for one in ruleset.sets),
        ),
        (
            *(_told("chain", one, names.chains) for one in ruleset.chains if names.chains[one.name] != one.name),
            *(_told("set", one, names.sets) for one in ruleset.sets if names.sets[one.name] != one.name),
        ),
    )


def _words(ruleset: Ruleset) -> Iterable[str]:
    """All that stands in nft's own words."""
    for chain in ruleset.chains:
        for rule in chain.rules:
            for one in (*rule.matches, *rule.statements):
                if isinstance(one, OpaqueMatch | OpaqueStatement) and one.syntax is Syntax.NFT_JSON:
                    yield one.words
                elif isinstance(one, Native):
                    yield f"{one.nft or ''} {one.nft_json or ''}"
    for declared in ruleset.declarations:
        yield declared.words


def _new(names: list[str], words: list[str]) -> dict[str, str]:
    fixed = {name for name in names if is_name(name) or any(name in one for one in words)}
    fresh = FreshNames(frozenset(fixed))
    return {name: name if name in fixed else fresh.like(name) for name in names}


def _chain(chain: Chain, names: _Names) -> Chain:
    return replace(chain, name=names.chains[chain.name], rules=tuple(_rule(one, names) for one in chain.rules))


def _rule(rule: Rule, names: _Names) -> Rule:
    return replace(
        rule,
        matches=tuple(_match(one, names) for one in rule.matches),
        statements=tuple(_statement(one, names) for one in rule.statements),
        verdict=with_chains(rule.verdict, names.chains),
    )


def _match(one: Match, names: _Names) -> Match:
    return replace(one, set_name=names.sets[one.set_name]) if isinstance(one, SetMatch) else one


def _statement(one: Statement, names: _Names) -> Statement:
    return replace(one, set_name=names.sets[one.set_name]) if isinstance(one, UpdateSet) else one


def _told(kind: str, one: Chain | DynamicSet, names: Mapping[str, str]) -> Deviation:
    origin: Origin = one.origin
    message = f"the {kind} `{one.name}` is called `{names[one.name]}`, because nft cannot spell its name"
    return Deviation(Fidelity.EXACT, NAME, origin, message)
