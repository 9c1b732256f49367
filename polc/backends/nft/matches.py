"""Matches without state: from the IR to nft's words."""

from __future__ import annotations

from typing import assert_never

from polc.backends.cascade import Alternatives
from polc.backends.nft import interfaces, services
from polc.backends.nft.expressions import Addresses, CtState, Flags, Meta, Numbers, Payload, Protocol, SetReference
from polc.backends.nft.keys import address
from polc.backends.nft.statements import Compare
from polc.ir.family import FAMILIES, Family
from polc.ir.fields import FIELDS
from polc.ir.matches import (
    AddressMatch,
    CtStateMatch,
    FieldMatch,
    IcmpTerm,
    InterfaceMatch,
    Match,
    ServiceMatch,
    SetMatch,
)
from polc.ir.matches import (
    CtState as State,
)
from polc.ir.ruleset import DynamicSet
from polc.ir.stateful import Hits, Limit

Stateless = InterfaceMatch | AddressMatch | ServiceMatch | CtStateMatch | FieldMatch | SetMatch

# In the order in which nft lists them.
_STATES = (State.INVALID, State.ESTABLISHED, State.RELATED, State.NEW, State.UNTRACKED)


def split(match: Match) -> Alternatives:
    """What of a match fits one nft rule, for ``cascade``."""
    match match:
        case ServiceMatch():
            return Alternatives(services.group(match))
        case InterfaceMatch(negated=False):
            return Alternatives(interfaces.options(match))
        case _:
            return Alternatives((match,))


def compare(match: Stateless, sets: dict[str, DynamicSet]) -> tuple[Compare, ...]:
    """A match that fits one rule.

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
        case FieldMatch(field, values):
            return (Compare(Payload(FIELDS[field].family.value, field.value), Numbers(values)),)
        case SetMatch(side, set_name, negated):
            return (Compare(address(side, sets[set_name].family), SetReference(set_name), negated),)
        case _:
            assert_never(match)


def implies_family(match: Match) -> bool:
    """Whether the words for a match name a header of one family, on which nft then matches by itself."""
    match match:
        case AddressMatch() | FieldMatch() | SetMatch():
            return True
        case ServiceMatch(terms):
            return all(isinstance(term, IcmpTerm) for term in terms)
        case InterfaceMatch() | CtStateMatch() | Limit() | Hits():
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
