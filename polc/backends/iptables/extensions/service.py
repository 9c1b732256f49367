"""Services: ``-p`` and the protocol's own match."""

from __future__ import annotations

from polc.backends.cascade import Alternatives
from polc.backends.iptables.extensions import icmp, ports
from polc.backends.iptables.extensions.words import Piece, Rank, Refused, Words
from polc.ir.matches import IcmpTerm, PortTerm, ServiceMatch, ServiceTerm
from polc.ir.protocols import ICMP, ICMPV6, PORT_PROTOCOLS, SCTP, TCP, UDP, UDPLITE

_NAMES = {TCP: "tcp", UDP: "udp", SCTP: "sctp", UDPLITE: "udplite", ICMP: "icmp", ICMPV6: "ipv6-icmp", 50: "esp"}
"""Names that iptables knows itself (xtables_chain_protos); others hang on the host's /etc/protocols."""


def split(match: ServiceMatch) -> Alternatives:
    """One term an option; a term with more ports than one rule holds becomes several."""
    terms = [piece for term in match.terms for piece in _pieces(term)]
    return Alternatives(tuple(ServiceMatch((term,)) for term in terms), slot="-p")


def _pieces(term: ServiceTerm) -> tuple[ServiceTerm, ...]:
    match term:
        case PortTerm():
            return ports.split(term)
        case IcmpTerm():
            return (term,)


def words(match: ServiceMatch) -> Words:
    (term,) = match.terms
    match term:
        case PortTerm(sport=None, dport=None):
            return Words((protocol(term.protocol),))
        case PortTerm():
            if term.protocol not in PORT_PROTOCOLS:
                raise Refused("no-ports", f"protocol {term.protocol} has no ports")
            return Words((protocol(term.protocol), *ports.pieces(term)))
        case IcmpTerm():
            return Words((protocol(term.protocol), *icmp.pieces(term)))


def protocol(number: int) -> Piece:
    if number == 0:
        raise Refused("protocol-zero", "iptables takes protocol 0 for every protocol")
    return Piece(Rank.PROTOCOL, f"-p {_NAMES.get(number, number)}")
