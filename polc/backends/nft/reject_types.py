"""Answers of a reject, by nft's words (nft(8), REJECT STATEMENT)."""

from __future__ import annotations

from polc.backends.nft.statements import RejectWith
from polc.ir.ruleset import TableFamily
from polc.ir.verdicts import RejectType

_TYPES: dict[RejectType, RejectWith] = {
    RejectType.PORT_UNREACHABLE: RejectWith("icmpx", "port-unreachable"),
    RejectType.HOST_UNREACHABLE: RejectWith("icmpx", "host-unreachable"),
    RejectType.NO_ROUTE: RejectWith("icmpx", "no-route"),
    RejectType.ADMIN_PROHIBITED: RejectWith("icmpx", "admin-prohibited"),
    RejectType.TCP_RESET: RejectWith("tcp reset", ""),
    RejectType.NET_UNREACHABLE: RejectWith("icmp", "net-unreachable"),
    RejectType.PROTO_UNREACHABLE: RejectWith("icmp", "prot-unreachable"),
    RejectType.NET_PROHIBITED: RejectWith("icmp", "net-prohibited"),
    RejectType.HOST_PROHIBITED: RejectWith("icmp", "host-prohibited"),
    RejectType.ADDR_UNREACHABLE: RejectWith("icmpv6", "addr-unreachable"),
    RejectType.POLICY_FAIL: RejectWith("icmpv6", "policy-fail"),
    RejectType.REJECT_ROUTE: RejectWith("icmpv6", "reject-route"),
}

# What the words for both families mean in one (net/netfilter/nft_reject.c, icmp_code_v4 and icmp_code_v6).
_IN_IP = {"no-route": "net-unreachable"}
_IN_IP6 = {"host-unreachable": "addr-unreachable"}


def reject_with(type: RejectType, table: TableFamily) -> RejectWith:
    """The answer in a table of that family: those of one IP family have no words for both."""
    found = _TYPES[type]
    if found.type != "icmpx":
        return found
    match table:
        case TableFamily.IP:
            return RejectWith("icmp", _IN_IP.get(found.code, found.code))
        case TableFamily.IP6:
            return RejectWith("icmpv6", _IN_IP6.get(found.code, found.code))
        case _:
            return found
