"""ICMP types and codes: ``-m icmp`` and ``-m icmp6``, one a rule."""

from __future__ import annotations

from polc.backends.iptables.extensions.words import Piece, Rank, Refused
from polc.ir.matches import IcmpTerm
from polc.ir.protocols import ICMP, ICMPV6

_OPTIONS = {ICMP: "-m icmp --icmp-type", ICMPV6: "-m icmp6 --icmpv6-type"}
_ANY_TYPE = 255  # icmp_type_code_match in net/ipv4/netfilter/ip_tables.c; icmp6 has no such value


def pieces(term: IcmpTerm) -> tuple[Piece, ...]:
    if term.protocol == ICMP and term.type == _ANY_TYPE:
        raise Refused("icmp-255", "iptables takes ICMP type 255 for every type", "255 is reserved: leave the type out")
    code = "" if term.code is None else f"/{term.code}"
    return (Piece(Rank.MODULE, f"{_OPTIONS[term.protocol]} {term.type}{code}"),)
