"""A ruleset as it is for packets of one family, written so that what two rulesets keep in mind can be told to be the
same: each limit, list and count is known by what it asks, and by the order in which rules come to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from polc.ir.canonical.actions import statement, verdict
from polc.ir.family import Family
from polc.ir.matches import AddressType, AddressTypeMatch, IcmpTerm, Match, ServiceMatch
from polc.ir.protocols import ICMP_FAMILY
from polc.ir.ruleset import BaseChain, Chain, Hook, Rule, Ruleset
from polc.ir.stateful import Connections, Hits, KeyField, KeyPart, Limit, RandomMatch, RecentMatch
from polc.ir.verdicts import chains_of

_HOOKS = tuple(Hook)
_ADDRESSES = (KeyField.SOURCE, KeyField.DESTINATION)
_SIZE = 65535


_ALWAYS = 1 << 31
"""A threshold of chance that each packet is under (net/netfilter/xt_statistic.c, statistic_mt)."""


def of_family(ruleset: Ruleset, family: Family) -> Ruleset:
    """The rules that packets of the family can meet, chains in the order in which packets come to them, answers of the
    family in its own words. State is without its size, as if there were room for every key, keys without what is of the
    other family, and lists of addresses have numbers for names.
    """
    made = {chain.name: replace(chain, rules=tuple(_rules(chain, family))) for chain in ruleset.chains}
    return replace(ruleset, chains=tuple(_numbered(_in_order(made))))


def _rules(chain: Chain, family: Family) -> Iterator[Rule]:
    for rule in chain.rules:
        if family not in rule.families:
            continue
        found = [_match(one, family) for one in rule.matches]
        if None in found:
            continue
        yield replace(
            rule,
            matches=tuple(one for some in found for one in some or ()),
            statements=tuple(statement(one) for one in rule.statements),
            verdict=verdict(rule.verdict, family),
            families=frozenset({family}),
        )


def _match(match: Match, family: Family) -> tuple[Match, ...] | None:
    """What it is for the family; None: no packet of it meets it."""
    match match:
        case ServiceMatch(terms):
            own = tuple(one for one in terms if not isinstance(one, IcmpTerm) or ICMP_FAMILY[one.protocol] is family)
            return (ServiceMatch(own),) if own else None
        case AddressTypeMatch(types=types, negated=negated) if family is Family.IP6 and AddressType.BROADCAST in types:
            # RFC 4291, 2: IPv6 has no broadcast addresses.
            left = tuple(one for one in types if one is not AddressType.BROADCAST)
            return (replace(match, types=left),) if left else () if negated else None
        case RandomMatch(threshold, negated) if threshold in (0, _ALWAYS):
            return () if (threshold > 0) is not negated else None
        case Limit(key=key) | Connections(key=key):
            return (replace(match, key=tuple(_key(one, family) for one in key), size=_SIZE),)
        case Hits(key=key):
            return (replace(match, key=_key(key, family), size=_SIZE),)
        case _:
            return (match,)


def _numbered(chains: Iterator[Chain]) -> Iterator[Chain]:
    """Lists of addresses are called by the order in which rules come to them: a target has one for each family."""
    names: dict[str, str] = {}
    for chain in chains:
        rules = []
        for rule in chain.rules:
            matches = tuple(
                replace(one, name=names.setdefault(one.name, str(len(names)))) if isinstance(one, RecentMatch) else one
                for one in rule.matches
            )
            rules.append(replace(rule, matches=matches))
        yield replace(chain, rules=tuple(rules))


def _key(part: KeyPart, family: Family) -> KeyPart:
    if part.field not in _ADDRESSES:
        return KeyPart(part.field)
    match family:
        case Family.IP:
            return KeyPart(part.field, ip_length=part.ip_length)
        case Family.IP6:
            return KeyPart(part.field, ip6_length=part.ip6_length)
        case _:
            assert_never(family)


def _in_order(chains: dict[str, Chain]) -> Iterator[Chain]:
    """Base chains as the kernel calls them, each before the chains that its rules lead to."""
    base = [one for one in chains.values() if isinstance(one, BaseChain)]
    ahead: list[Chain] = sorted(base, key=lambda one: (_HOOKS.index(one.hook), one.priority), reverse=True)
    seen: set[str] = set()
    while ahead:
        chain = ahead.pop()
        if chain.name in seen:
            continue
        seen.add(chain.name)
        yield chain
        below = [name for rule in chain.rules for name in chains_of(rule.verdict) if name in chains]
        ahead += [chains[name] for name in reversed(below)]
    yield from (chain for name, chain in chains.items() if name not in seen)
