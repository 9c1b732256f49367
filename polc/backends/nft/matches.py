"""Matches without state: from the IR to nft's words."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from polc.backends.cascade import Alternatives
from polc.backends.features import Feature
from polc.backends.nft import fields, interfaces, services
from polc.backends.nft.context import Along, Context
from polc.backends.nft.elements import cell, fits_one_set, key, part, rows, singled
from polc.backends.nft.expressions import CtState, Flags, Meta, Numbers, Protocol, Rows, SetReference
from polc.backends.nft.keys import address
from polc.backends.nft.refused import Refused
from polc.backends.nft.statements import Compare
from polc.ir.family import FAMILIES, Family
from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    AddressTypeMatch,
    CtStateMatch,
    ElementMatch,
    ExtensionHeaderMatch,
    FieldMatch,
    FlagsMatch,
    IcmpTerm,
    InterfaceMatch,
    Match,
    NameMatch,
    OpaqueMatch,
    OriginalAddressMatch,
    ReversePathMatch,
    ServiceMatch,
    SetMatch,
    TcpOptionMatch,
    Trait,
    TraitMatch,
)
from polc.ir.matches import CtState as State
from polc.ir.protocols import PORT_PROTOCOLS
from polc.ir.ruleset import Rule, TableFamily
from polc.ir.selectors import Conntrack, Direction, InterfacePattern, KeyValue, Selector, Side, Transport
from polc.ir.stateful import Connections, EveryNth, Hits, Limit, Quota, RandomMatch, RecentMatch
from polc.ir.statements import MapMark, UpdateSet
from polc.ir.verdicts import NatMap, VerdictMap

Stateless = (
    InterfaceMatch
    | AddressMatch
    | OriginalAddressMatch
    | ServiceMatch
    | CtStateMatch
    | FieldMatch
    | FlagsMatch
    | NameMatch
    | ReversePathMatch
    | AddressTypeMatch
    | TraitMatch
    | TcpOptionMatch
    | SetMatch
    | ElementMatch
    | ExtensionHeaderMatch
)

# In the order in which nft lists them.
_STATES = (State.INVALID, State.ESTABLISHED, State.RELATED, State.NEW, State.UNTRACKED)

PORTS = (Transport.SPORT, Transport.DPORT)
WITH_PORTS = Compare(Meta("l4proto"), Numbers(Intervals.of((one, one) for one in PORT_PROTOCOLS)))
"""Packets that have ports: of others `th dport` would read something else."""


def split(match: Match, family: Family | None, context: Context) -> Alternatives:
    """What of a match fits one nft rule, for ``cascade``; ``family`` is the rule's, None for both.

    Some traits are missing where a person would say that they are not so (no fragment header, no socket): the kernel
    then breaks off the rule, so such a negation is said by a chain that returns on the opposite.
    """
    match match:
        case ServiceMatch():
            return Alternatives(services.group(match))
        case InterfaceMatch(negated=False):
            return Alternatives(interfaces.options(match, context.profile))
        case AddressMatch(negated=False):
            return Alternatives(context.groups.options(match))
        case FieldMatch(field, values) if (
            field in fields.FLOW_PORTS and len(values.ranges) > 1 and not context.profile.has(Feature.CT_PORT_SET)
        ):
            # Not a chain that returns on each: a packet without a flow would come through that.
            ranges = (values.complement(0, FIELDS[field].highest) if match.negated else values).ranges
            return Alternatives(tuple(replace(match, values=Intervals((one,)), negated=False) for one in ranges))
        case TraitMatch(Trait.SOCKET, negated=True):
            return Alternatives((replace(match, negated=False),), excluded=True)
        case TraitMatch(Trait.FRAGMENT, negated=True) if family is Family.IP6:
            return Alternatives((replace(match, negated=False),), excluded=True)
        case ElementMatch():
            return _split_elements(match, context)
        case _:
            return Alternatives((match,))


def _split_elements(match: ElementMatch, context: Context) -> Alternatives:
    """One set where nft has it, else the elements one by one."""
    if len(match.key) == 1:
        plain = _joined(match)
        if plain is not None:
            return split(plain, None, context) if isinstance(plain, InterfaceMatch) else Alternatives((plain,))
    elif fits_one_set(match.key, match.elements, context.profile) and (len(match.elements) > 1 or match.negated):
        return Alternatives((match,))
    options = tuple(replace(match, elements=(one,), negated=False) for one in singled(match.key, match.elements))
    lacking = [one.value for one in match.key if isinstance(one, Field) and one not in _ALWAYS_THERE]
    if match.negated and lacking:
        raise Refused(
            f"a packet without `{lacking[0]}` is in no element and not outside of them, which nft cannot tell for "
            "this key",
            "a rule for each element",
        )
    return Alternatives(options, excluded=match.negated)


_ALWAYS_THERE = frozenset(
    {
        Field.TTL, Field.IP_DSCP, Field.IP_ECN, Field.IP_LENGTH, Field.HOPLIMIT, Field.IP6_DSCP, Field.IP6_ECN,
        Field.META_MARK, Field.META_LENGTH, Field.META_PKTTYPE, Field.META_DAY, Field.META_HOUR, Field.META_CPU,
        Field.META_PRIORITY, Field.META_PROTOCOL,
    }
)  # fmt: skip
"""Fields that every packet of their family has."""


def _joined(match: ElementMatch) -> Match | None:
    """A match on one part as one on all its values, None where only nft has words for that."""
    (selector,) = match.key
    values = [value for (value,) in match.elements]
    if isinstance(selector, Direction):
        patterns = tuple(value for value in values if isinstance(value, InterfacePattern))
        return InterfaceMatch(selector, patterns, match.negated)
    joined = Intervals.of(pair for value in values if isinstance(value, Intervals) for pair in value.ranges)
    match selector:
        case Conntrack():
            # A packet has one state.
            states = State(sum(one.value for one in State if (one.value in joined) is not match.negated))
            return CtStateMatch(states) if states else None
        case Field():
            return FieldMatch(selector, joined, None, match.negated)
        case _:
            return replace(match, elements=((joined,),))


def compare(match: Stateless, family: Family | None, context: Context, along: Along) -> tuple[Compare, ...]:
    """A match that fits one rule; ``family`` is the rule's, None for both.

    Raises:
        Refused: nft has no words for it.
    """
    match match:
        case InterfaceMatch():
            return interfaces.compare_interfaces(match, context.profile)
        case ServiceMatch():
            return services.compare_group(match)
        case AddressMatch():
            return tuple(_addresses(one, context, along) for one in _apart(match, context))
        case CtStateMatch(states):
            return (Compare(CtState(), _states(states)),)
        case FieldMatch():
            return fields.compare_field(match)
        case FlagsMatch():
            return fields.compare_flags(match)
        case NameMatch():
            return fields.compare_name(match)
        case TraitMatch():
            return fields.compare_trait(match, family)
        case TcpOptionMatch():
            return fields.compare_option(match, context.profile)
        case OriginalAddressMatch():
            return fields.compare_flow_address(match)
        case ReversePathMatch():
            return fields.compare_way_back(match)
        case AddressTypeMatch():
            return fields.compare_address_type(match)
        case ExtensionHeaderMatch():
            return fields.compare_header(match)
        case SetMatch(selectors, set_name, negated):
            one = context.set(set_name)
            of = next(iter(one.families)) if len(one.families) == 1 else family
            return (Compare(key(selectors, of), SetReference(set_name), negated),)
        case ElementMatch():
            return _elements(match, family)
        case _:
            assert_never(match)


def _apart(match: AddressMatch, context: Context) -> list[AddressMatch]:
    """Family by family; negated, both kinds of large sets stand in one rule, else ``split`` has given each its own."""
    each = [replace(match, addresses=match.addresses.only(family)) for family in FAMILIES]
    some = [one for one in each if one.addresses.families]
    return [part for one in some for part in context.groups.options(one)] if match.negated else some


def _addresses(match: AddressMatch, context: Context, along: Along) -> Compare:
    (family,) = match.addresses.families
    right, definition = context.groups.right(family, match.addresses.of_family(family), match.group)
    if definition is not None:
        along.definitions.append(definition)
    return Compare(address(match.side, family), right, match.negated)


def _states(states: State) -> Flags:
    return Flags(tuple(one.name.lower() for one in _STATES if one in states and one.name))


def _one_part(selector: Selector, value: KeyValue, family: Family | None) -> tuple[Compare, ...]:
    if isinstance(value, InterfacePattern):
        return interfaces.compare_name(Direction(selector), value)
    match selector:
        case Conntrack():
            return (Compare(CtState(), _states(State(sum(one.value for one in State if one.value in value)))),)
        case Field():
            return fields.compare_field(FieldMatch(selector, value))
        case _:
            return (Compare(part(selector, family), cell(selector, value, family)),)


def _elements(match: ElementMatch, family: Family | None) -> tuple[Compare, ...]:
    if len(match.elements) == 1 and not match.negated:
        ((*element,),) = match.elements
        return tuple(
            one
            for selector, value in zip(match.key, element, strict=True)
            for one in _one_part(selector, value, family)
        )
    if len(match.key) == 1:
        ((selector, value),) = zip(match.key, *match.elements, strict=True)
        (found,) = _one_part(selector, value, family)
        return (replace(found, negated=match.negated),)
    return (Compare(key(match.key, family), Rows(tuple(rows(match.key, match.elements, family))), match.negated),)


def keys_of(rule: Rule) -> tuple[tuple[Selector, ...], ...]:
    """All keys of several parts that a rule looks up."""
    nodes = (*rule.matches, *rule.statements, *((rule.verdict,) if rule.verdict else ()))
    return tuple(one.key for one in nodes if isinstance(one, _KEYED))


_KEYED = (SetMatch, ElementMatch, UpdateSet, MapMark, VerdictMap, NatMap)


def asks_for_ports(rule: Rule) -> bool:
    """Whether a key of the rule has ports, and no element of it says that the packet is of a protocol with some."""
    nodes = (*rule.matches, *rule.statements, *((rule.verdict,) if rule.verdict else ()))
    return any(
        isinstance(one, _KEYED) and any(part in PORTS for part in one.key) and not _names_protocols(one)
        for one in nodes
    )


def _names_protocols(one: SetMatch | ElementMatch | UpdateSet | MapMark | VerdictMap | NatMap) -> bool:
    if isinstance(one, SetMatch | UpdateSet) or Transport.PROTOCOL not in one.key:
        return False
    if isinstance(one, ElementMatch):
        elements, negated = one.elements, one.negated
    else:
        elements, negated = tuple(element for element, _ in one.elements), False
    place = one.key.index(Transport.PROTOCOL)
    values = [element[place] for element in elements]
    return not negated and all(
        isinstance(value, Intervals) and all(low in PORT_PROTOCOLS and low == high for low, high in value.ranges)
        for value in values
    )


def implies_family(match: Match) -> bool:
    """Whether the words for a match name a header of one family, on which nft then matches by itself."""
    match match:
        case AddressMatch() | OriginalAddressMatch() | TraitMatch(Trait.FRAGMENT) | ExtensionHeaderMatch():
            return True
        case FieldMatch(field):
            return FIELDS[field].family is not None
        case ServiceMatch(terms):
            return all(isinstance(term, IcmpTerm) for term in terms)
        case SetMatch() | ElementMatch():
            return any(
                isinstance(one, Side) or (isinstance(one, Field) and FIELDS[one].family is not None)
                for one in match.key
            )
        case (
            InterfaceMatch()
            | CtStateMatch()
            | FlagsMatch()
            | NameMatch()
            | ReversePathMatch()
            | AddressTypeMatch()
            | TraitMatch()
            | TcpOptionMatch()
            | RandomMatch()
            | RecentMatch()
            | OpaqueMatch()
            | EveryNth()
            | Limit()
            | Hits()
            | Connections()
            | Quota()
        ):
            return False
        case _:
            assert_never(match)


_PROTOCOLS = {Family.IP: 0x0800, Family.IP6: 0x86DD}  # uapi/linux/if_ether.h


def family_only(family: Family, table: TableFamily, *, beside_reset: bool) -> tuple[Compare, ...]:
    """A match on packets of one family, to stand after the other matches.

    nft 1.0.6 lists it there; before a match on a transport protocol it would leave it out, and beside a
    reject with tcp reset it leaves out all but the negated form, so that a saved listing would match more.
    """
    match table:
        case TableFamily.IP | TableFamily.IP6:
            return ()
        case TableFamily.INET if beside_reset:
            (other,) = (one for one in FAMILIES if one is not family)
            return (Compare(Meta("nfproto"), Protocol(other), negated=True),)
        case TableFamily.INET:
            return (Compare(Meta("nfproto"), Protocol(family)),)
        case _:
            # There `nfproto` is the family of the table (net/netfilter/nft_meta.c, nft_pf).
            return (Compare(Meta("protocol"), Numbers(Intervals.single(_PROTOCOLS[family]))),)


def beside_reset(match: Match, table: TableFamily) -> Match:
    """A match beside a reject with tcp reset. Of those on one type of frame nft 1.0.6 lists none there but a negated
    one: in a table of both families it asks for not the other.
    """
    if (
        table is not TableFamily.INET
        or not isinstance(match, FieldMatch)
        or match.field is not Field.META_PROTOCOL
        or match.negated
    ):
        return match
    numbers = {Intervals.single(one) for one in _PROTOCOLS.values()}
    if match.values not in numbers:
        return match
    (other,) = numbers - {match.values}
    return replace(match, values=other, negated=True)
