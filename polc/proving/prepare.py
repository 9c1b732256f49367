"""A ruleset as it is for packets of one family, written so that what two rulesets keep in mind can be told to be the
same: each limit, list and count is known by what it asks, and by the order in which rules come to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import assert_never

from polc.ir.addresses import AddressSet
from polc.ir.canonical.actions import statement, verdict
from polc.ir.family import Family
from polc.ir.fields import FIELDS, TCP_FLAG_BITS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    AddressType,
    AddressTypeMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    IcmpTerm,
    Match,
    OpaqueMatch,
    PortTerm,
    ServiceMatch,
    Syntax,
)
from polc.ir.protocols import ICMP_FAMILY, MOBILITY, TCP
from polc.ir.ruleset import BaseChain, Chain, Hook, Rule, Ruleset
from polc.ir.stateful import Connections, Hits, KeyField, KeyPart, Limit, Quota, RandomMatch, RecentMatch
from polc.ir.statements import ClampMss, StripTcpOptions
from polc.ir.verdicts import chains_of

_HOOKS = tuple(Hook)
_ADDRESSES = (KeyField.SOURCE, KeyField.DESTINATION)
_SIZE = 65535


_ALWAYS = 1 << 31
"""A threshold of chance that each packet is under (net/netfilter/xt_statistic.c, statistic_mt)."""


def of_family(ruleset: Ruleset, family: Family, prefix: str = "") -> Ruleset:
    """The rules that packets of the family can meet, chains in the order in which packets come to them, answers of the
    family in its own words. State is without its size, as if there were room for every key, keys without what is of the
    other family, and lists of addresses have numbers for names. ``prefix`` stands before the names of limits and
    counts, which mean the same on both sides of a comparison where they are the same.
    """
    made = {
        chain.name: replace(chain, rules=tuple(rules_of_family(chain.rules, family, prefix)))
        for chain in ruleset.chains
    }
    return replace(ruleset, chains=tuple(_numbered(_in_order(made))))


def rules_of_family(rules: Iterable[Rule], family: Family, prefix: str = "") -> Iterator[Rule]:
    """Those that packets of the family can meet."""
    for rule in rules:
        if family not in rule.families:
            continue
        found = [_match(one, family, prefix) for one in rule.matches]
        if None in found:
            continue
        yield replace(
            rule,
            matches=(*(one for some in found for one in some or ()), *_of_statements(rule)),
            statements=tuple(statement(one) for one in rule.statements),
            verdict=verdict(rule.verdict, family),
            families=frozenset({family}),
        )


def _of_statements(rule: Rule) -> tuple[Match, ...]:
    """What statements themselves ask of a packet, where a rule does nothing else."""
    if rule.verdict is not None or not rule.statements:
        return ()
    if all(isinstance(one, StripTcpOptions) for one in rule.statements):
        return (ServiceMatch((PortTerm(TCP),)),)
    if all(isinstance(one, ClampMss) for one in rule.statements):
        syn, rst = TCP_FLAG_BITS["syn"], TCP_FLAG_BITS["rst"]
        return (FlagsMatch(FlagField.TCP_FLAGS, syn | rst, syn),)
    return ()


_OWNERS = (Field.META_SKUID, Field.META_SKGID)
_NOBODY = 0xFFFFFFFF
"""No user and no group has this number (include/linux/uidgid.h, INVALID_UID)."""


_OF_BITS = (Field.META_MARK, Field.CT_MARK, Field.META_RTCLASSID)
"""Fields that diagrams know bit by bit."""


def _field(match: FieldMatch) -> FieldMatch | OpaqueMatch:
    highest = FIELDS[match.field].highest
    values, negated, mask = match.values, match.negated, match.mask
    if mask is not None and match.field not in _OF_BITS:
        lower = highest & ~mask
        if lower & lower + 1:
            return OpaqueMatch(f"{match.field.value} & {mask:#x}", Syntax.NFT_JSON, "the mask is none of leading bits")
        values = Intervals.of((low, high | lower) for low, high in values.ranges)
        mask = None
    if match.field in _OWNERS:
        if negated:
            values, negated = values.complement(0, highest), False
        values = Intervals.of((low, min(high, _NOBODY - 1)) for low, high in values.ranges if low < _NOBODY)
    return replace(match, mask=mask, values=values, negated=negated)


_MULTICAST = AddressSet.of([(Family.IP6, 0xFF << 120, (1 << 128) - 1)])


def _kinds(match: AddressTypeMatch) -> tuple[Match, ...] | None:
    """Of IPv6 addresses: none is one of broadcast (RFC 4291, 2), and those of multicast begin alike (2.7)."""
    left = tuple(one for one in match.types if one is not AddressType.BROADCAST)
    if not left:
        return () if match.negated else None
    if left == (AddressType.MULTICAST,) and match.interface is None:
        return (AddressMatch(match.side, _MULTICAST, match.negated),)
    return (replace(match, types=left),)


def _match(match: Match, family: Family, prefix: str) -> tuple[Match, ...] | None:
    """What it is for the family; None: no packet of it meets it."""
    match match:
        case ServiceMatch(terms):
            own = tuple(one for one in terms if not isinstance(one, IcmpTerm) or ICMP_FAMILY[one.protocol] is family)
            return (ServiceMatch(own),) if own else None
        case AddressTypeMatch() if family is Family.IP6:
            return _kinds(match)
        case FieldMatch(Field.MH_TYPE):
            # Nothing follows a mobility header (RFC 6275, 6.1.1).
            return (ServiceMatch((PortTerm(MOBILITY),)), _field(match))
        case FieldMatch():
            return (_field(match),)
        case RandomMatch(threshold, negated) if threshold in (0, _ALWAYS):
            return () if (threshold > 0) is not negated else None
        case Limit(key=key) | Connections(key=key):
            own_key = tuple(_key(one, family) for one in key)
            return (replace(match, key=own_key, size=_SIZE, table=prefix + match.table),)
        case Hits(key=key):
            return (replace(match, key=_key(key, family), size=_SIZE, table=prefix + match.table),)
        case Quota():
            return (replace(match, table=prefix + match.table),)
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
    base.sort(key=lambda one: (_HOOKS.index(one.hook), one.priority), reverse=True)
    ahead: list[Chain] = [*base]
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
