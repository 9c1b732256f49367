"""Services: which terms fit one nft rule, and how a group of such terms is said."""

from __future__ import annotations

from typing import assert_never

from polc.backends.nft.expressions import Meta, Numbers, Payload
from polc.backends.nft.refused import Refused
from polc.backends.nft.statements import Compare
from polc.ir.intervals import Intervals
from polc.ir.matches import IcmpTerm, PortTerm, ServiceMatch, ServiceTerm
from polc.ir.protocols import ICMP, PORT_PROTOCOLS, PROTOCOL_NAMES

_GroupKey = tuple[str, int, int]


def group(service: ServiceMatch) -> tuple[ServiceMatch, ...]:
    """The service as groups of terms that each fit one rule: whole protocols; the types of one ICMP; its codes of one
    type; ports of one term.
    """
    if len(service.terms) == 1:
        return (service,)
    groups: dict[_GroupKey, list[ServiceTerm]] = {}
    for position, term in enumerate(service.terms):
        groups.setdefault(_group_key(term, position), []).append(term)
    return tuple(ServiceMatch(tuple(terms)) for terms in groups.values())


def _group_key(term: ServiceTerm, position: int) -> _GroupKey:
    match term:
        case PortTerm(_, None, None):
            return "protocols", 0, 0
        case PortTerm():
            return "ports", term.protocol, position
        case IcmpTerm(protocol, _, None):
            return "types", protocol, 0
        case IcmpTerm(protocol, type, _):
            return "codes", protocol, type
        case _:
            assert_never(term)


def compare_group(service: ServiceMatch) -> tuple[Compare, ...]:
    """The matches for a service of one group.

    Raises:
        Refused: ports of a protocol that has none.
    """
    first = service.terms[0]
    match first:
        case PortTerm(_, None, None):
            protocols = Intervals.of((term.protocol, term.protocol) for term in service.terms)
            return (Compare(Meta("l4proto"), Numbers(protocols)),)
        case PortTerm(protocol, sport, dport):
            if protocol not in PORT_PROTOCOLS:
                raise Refused(f"protocol {protocol} has no ports")
            name = PROTOCOL_NAMES[protocol]
            sides = (("sport", sport), ("dport", dport))
            return tuple(_among(Payload(name, field), ports, 65535) for field, ports in sides if ports is not None)
        case IcmpTerm():
            name = "icmp" if first.protocol == ICMP else "icmpv6"
            terms = [term for term in service.terms if isinstance(term, IcmpTerm)]
            types = Intervals.of((term.type, term.type) for term in terms)
            codes = Intervals.of((term.code, term.code) for term in terms if term.code is not None)
            type_match = _among(Payload(name, "type"), types, 255)
            return (type_match, _among(Payload(name, "code"), codes, 255)) if codes else (type_match,)
        case _:
            assert_never(first)


def _among(left: Payload, values: Intervals, highest: int) -> Compare:
    """A comparison with the values, or, where those are both ends and more, with the fewer that are not among them."""
    if len(values.ranges) > 1 and 0 in values and highest in values:
        return Compare(left, Numbers(values.complement(0, highest)), negated=True)
    return Compare(left, Numbers(values))


def names_transport(service: ServiceMatch) -> bool:
    """Whether every term is of a protocol with ports, so that a NAT rule may rewrite ports."""
    return all(term.protocol in PORT_PROTOCOLS for term in service.terms)
