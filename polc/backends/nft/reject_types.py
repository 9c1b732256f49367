"""Answers of a reject, by nft's words (nft(8), REJECT STATEMENT)."""

from __future__ import annotations

from polc.backends.nft.statements import RejectWith
from polc.ir.verdicts import RejectType

REJECT_TYPES: dict[RejectType, RejectWith] = {
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
