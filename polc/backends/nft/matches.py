"""Matches without state: from the IR to nft's words."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from polc.backends.cascade import Alternatives
from polc.backends.nft import fields, interfaces, services
from polc.backends.nft.expressions import Addresses, CtState, Flags, Meta, Protocol, SetReference
from polc.backends.nft.keys import address
from polc.backends.nft.refused import Refused
from polc.backends.nft.statements import Compare
from polc.ir.family import FAMILIES, Family
from polc.ir.fields import FIELDS
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
    Side,
    TcpOptionMatch,
    Trait,
    TraitMatch,
)
from polc.ir.matches import (
    CtState as State,
)
from polc.ir.ruleset import DynamicSet
from polc.ir.stateful import Connections, EveryNth, Hits, Limit, Quota, RandomMatch, RecentMatch

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


def split(match: Match, family: Family | None) -> Alternatives:
    """What of a match fits one nft rule, for ``cascade``; ``family`` is the rule's, None for both.

    Some traits are missing where a person would say that they are not so (no fragment header, no socket): the kernel
    then breaks off the rule, so such a negation is said by a chain that returns on the opposite.
    """
    match match:
        case ServiceMatch():
            return Alternatives(services.group(match))
        case InterfaceMatch(negated=False):
            return Alternatives(interfaces.options(match))
        case FieldMatch(field, values) if field in fields.ORIGINAL_PORTS and len(values.ranges) > 1:
            # An anonymous set of these has a type that nft 1.0.6 does not know.
            options = tuple(replace(match, values=Intervals((one,)), negated=False) for one in values.ranges)
            return Alternatives(options, excluded=match.negated)
        case TraitMatch(Trait.SOCKET, negated=True):
            return Alternatives((replace(match, negated=False),), excluded=True)
        case TraitMatch(Trait.FRAGMENT, negated=True) if family is Family.IP6:
            return Alternatives((replace(match, negated=False),), excluded=True)
        case _:
            return Alternatives((match,))


def compare(match: Stateless, sets: dict[str, DynamicSet], family: Family | None) -> tuple[Compare, ...]:
    """A match that fits one rule; ``family`` is the rule's, None for both.

    Raises:
        Refused: nft has no words for it.
    """
    match match:
        case InterfaceMatch():
            return interfaces.compare_interfaces(match)
        case ServiceMatch():
            return services.compare_group(match)
        case AddressMatch(side, addresses, negated):
            return tuple(
                Compare(address(side, family), Addresses(family, addresses.of_family(family)), negated)
                for family in FAMILIES
                if addresses.of_family(family)
            )
        case CtStateMatch(states):
            names = tuple(one.name.lower() for one in _STATES if one in states and one.name)
            return (Compare(CtState(), Flags(names)),)
        case FieldMatch():
            return fields.compare_field(match)
        case FlagsMatch():
            return fields.compare_flags(match)
        case NameMatch():
            return fields.compare_name(match)
        case TraitMatch():
            return fields.compare_trait(match, family)
        case TcpOptionMatch():
            return fields.compare_option(match)
        case OriginalAddressMatch():
            return fields.compare_original(match)
        case ReversePathMatch():
            return fields.compare_way_back(match)
        case AddressTypeMatch():
            return fields.compare_address_type(match)
        case SetMatch((Side() as side,), set_name, negated):
            (of,) = sets[set_name].families
            return (Compare(address(side, of), SetReference(set_name), negated),)
        case SetMatch() | ElementMatch() | ExtensionHeaderMatch():
            raise Refused(f"nft has no words for {type(match).__name__}")
        case _:
            assert_never(match)


def implies_family(match: Match) -> bool:
    """Whether the words for a match name a header of one family, on which nft then matches by itself."""
    match match:
        case AddressMatch() | OriginalAddressMatch() | SetMatch() | TraitMatch(Trait.FRAGMENT):
            return True
        case FieldMatch(field):
            return FIELDS[field].family is not None
        case ServiceMatch(terms):
            return all(isinstance(term, IcmpTerm) for term in terms)
        case (
            InterfaceMatch()
            | CtStateMatch()
            | FlagsMatch()
            | NameMatch()
            | ReversePathMatch()
            | AddressTypeMatch()
            | TraitMatch()
            | TcpOptionMatch()
            | ElementMatch()
            | ExtensionHeaderMatch()
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


def family_only(family: Family, *, beside_reset: bool) -> Compare:
    """A match on packets of one family, to stand after the other matches.

    nft 1.0.6 lists it there; before a match on a transport protocol it would leave it out, and beside a
    reject with tcp reset it leaves out all but the negated form, so that a saved listing would match more.
    """
    if beside_reset:
        (other,) = (one for one in FAMILIES if one is not family)
        return Compare(Meta("nfproto"), Protocol(other), negated=True)
    return Compare(Meta("nfproto"), Protocol(family))
