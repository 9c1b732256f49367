"""Give each family its own rule where the two need different words or separate state.

After this pass every match of a rule can hold for every family of the rule, an address set has
members of that family alone, and a rule with state (limit, hits) speaks of one family, unless both share it. A
rule that no packet of a family can meet is gone for that family.
"""

from __future__ import annotations

from dataclasses import replace

from polc.ir.addresses import AddressSet
from polc.ir.family import FAMILIES, Family
from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    STATEFUL,
    AddressMatch,
    AddressType,
    AddressTypeMatch,
    CtState,
    CtStateMatch,
    ElementMatch,
    ExtensionHeaderMatch,
    FieldMatch,
    Match,
    NameField,
    NameMatch,
    OpaqueMatch,
    OriginalAddressMatch,
    ServiceMatch,
    SetMatch,
    Trait,
    TraitMatch,
)
from polc.ir.ruleset import Chain, DynamicSet, Rule, Ruleset, TableFamily
from polc.ir.selectors import Selector
from polc.ir.stateful import Connections, EveryNth, Hits, KeyField, Limit, Quota, RandomMatch, RecentMatch
from polc.ir.statements import AssignTimeout, Duplicate, MapMark, SetDscp, SetHops, Tproxy, UpdateSet
from polc.ir.verdicts import Nat, NatMap, Reject, VerdictMap

_TRACKED = CtStateMatch(CtState.NEW | CtState.ESTABLISHED | CtState.RELATED)
"""What is left of a match on a flow's address that every address of a family meets: a packet without a flow does not.
"""
_ONLY = {family: frozenset({family}) for family in FAMILIES}


def split_families(ruleset: Ruleset) -> Ruleset:
    """In a table of bridges, devices or ARP a rule of both families also speaks of packets of neither. It stays one,
    unless it asks for something that each family has in its own words.
    """
    sets = {one.name: one for one in ruleset.sets}
    others = ruleset.family in _WITH_OTHERS

    def in_chain(chain: Chain) -> Chain:
        found = (new for rule in chain.rules for new in split_rule(rule, sets, others=others))
        return replace(chain, rules=tuple(found))

    return replace(ruleset, chains=tuple(in_chain(chain) for chain in ruleset.chains))


def split_rule(rule: Rule, sets: dict[str, DynamicSet], *, others: bool = False) -> tuple[Rule, ...]:
    """The rule once for all its families where their words are the same and it keeps no state, else once a family.

    ``others``: packets of neither family come to it, and meet it where it is of both.
    """
    narrowed = [one for family in FAMILIES if (one := _narrow(rule, family, sets)) is not None]
    alike = len(narrowed) == 2 and _says(narrowed[0]) == _says(narrowed[1])
    apart = _by_address(rule) if others else _keeps_state_apart(rule)
    if alike and not apart and not _words_differ(rule):
        return (replace(rule, matches=narrowed[0].matches),)
    return tuple(narrowed)


def _says(rule: Rule) -> tuple[object, ...]:
    return rule.matches, rule.statements, rule.verdict


_WITH_OTHERS = (TableFamily.ARP, TableFamily.BRIDGE, TableFamily.NETDEV)


def _keeps_state(rule: Rule) -> bool:
    """Chance keeps none, and what an opaque match keeps nobody knows."""
    return any(
        isinstance(match, STATEFUL) and not isinstance(match, RandomMatch | OpaqueMatch) for match in rule.matches
    )


def _keeps_state_apart(rule: Rule) -> bool:
    """Whether each family has state of its own there."""
    return (
        _keeps_state(rule)
        and not all(match.both for match in rule.matches if isinstance(match, Limit | Connections | Quota))
    ) or any(isinstance(match, EveryNth | Hits | RecentMatch) for match in rule.matches)


def _by_address(rule: Rule) -> bool:
    """Whether state is kept for each address."""
    return any(isinstance(match, Hits | RecentMatch) for match in rule.matches) or any(
        part.field in (KeyField.SOURCE, KeyField.DESTINATION)
        for match in rule.matches
        if isinstance(match, Limit | Connections)
        for part in match.key
    )


def _words_differ(rule: Rule) -> bool:
    """Whether the two families have this in fields of other names: a fragment's offset, a code point, a TTL."""
    return any(isinstance(match, TraitMatch) and match.trait is Trait.FRAGMENT for match in rule.matches) or any(
        isinstance(one, SetDscp | SetHops) for one in rule.statements
    )


def _narrow(rule: Rule, family: Family, sets: dict[str, DynamicSet]) -> Rule | None:
    """What the rule says of this family's packets, or None when it cannot apply to any of them."""
    if family not in rule.families or not _effects_fit(rule, family, sets):
        return None
    matches: list[Match] = []
    for match in rule.matches:
        match match:
            case AddressMatch() | OriginalAddressMatch():
                own = match.addresses.of_family(family)
                everything = own == _every(family)
                if (not own and not match.negated) or (everything and match.negated):
                    return None
                if own and not everything:
                    only = AddressSet(ip=own) if family is Family.IP else AddressSet(ip6=own)
                    matches.append(replace(match, addresses=only))
                elif isinstance(match, OriginalAddressMatch):
                    matches.append(_TRACKED)
            case ServiceMatch():
                service = match.of_family(family)
                if service is None:
                    return None
                matches.append(service)
            case FieldMatch() if FIELDS[match.field].family not in (None, family):
                return None
            case ExtensionHeaderMatch() if family is Family.IP:
                return None
            case NameMatch(NameField.OSF_NAME) if family is not Family.IP:
                # Fingerprints are read from the IPv4 header (net/netfilter/nfnetlink_osf.c).
                return None
            case AddressTypeMatch() if family is Family.IP6 and AddressType.BROADCAST in match.types:
                # IPv6 has no broadcast addresses (RFC 4291, 2).
                types = tuple(one for one in match.types if one is not AddressType.BROADCAST)
                if not types and not match.negated:
                    return None
                matches += (replace(match, types=types),) if types else ()
            case SetMatch() if family not in sets[match.set_name].families or not _key_fits(match.key, family):
                return None
            case ElementMatch() if not _key_fits(match.key, family):
                return None
            case _:
                matches.append(match)
    left = _up_to_maps(rule, family)
    if left is not rule and not (left.statements or _keeps_state(rule)):
        return None
    return Rule(tuple(matches), left.verdict, left.statements, _ONLY[family], rule.origin)


def _every(family: Family) -> Intervals:
    return Intervals(((0, (1 << family.bits) - 1),))


def _effects_fit(rule: Rule, family: Family, sets: dict[str, DynamicSet]) -> bool:
    for one in rule.statements:
        match one:
            case UpdateSet(set_name=name) if family not in sets[name].families:
                return False
            case UpdateSet(key=key) if not _key_fits(key, family):
                return False
            case Tproxy(family=only) | AssignTimeout(family=only) if only not in (None, family):
                return False
            case Duplicate(family=only) if only is not family:
                return False
            case _:
                pass
    match rule.verdict:
        case Reject(type):
            return family in type.families
        case Nat(family=only) | NatMap(family=only) if only is not None:
            return family is only
        case _:
            return True


def _up_to_maps(rule: Rule, family: Family) -> Rule:
    """The rule without a map that no packet of the family has an element of, and without what comes behind it."""
    for place, one in enumerate(rule.statements):
        if isinstance(one, MapMark) and not _key_fits(one.key, family):
            return replace(rule, statements=rule.statements[:place], verdict=None)
    if isinstance(rule.verdict, VerdictMap | NatMap) and not _key_fits(rule.verdict.key, family):
        return replace(rule, verdict=None)
    return rule


def _key_fits(key: tuple[Selector, ...], family: Family) -> bool:
    """Whether packets of the family have all parts of a key; those that lack one have no element of it."""
    return all(FIELDS[one].family in (None, family) for one in key if isinstance(one, Field))
