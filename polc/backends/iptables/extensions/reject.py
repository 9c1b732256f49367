"""``-j REJECT`` (iptables-extensions(8); both families' answers to one type: nft_reject_icmp_code, nft_reject.c)."""

from __future__ import annotations

from polc.ir.family import Family
from polc.ir.verdicts import Reject, RejectType

_ANSWERS: dict[Family, dict[RejectType, str]] = {
    Family.IP: {
        RejectType.PORT_UNREACHABLE: "icmp-port-unreachable",
        RejectType.HOST_UNREACHABLE: "icmp-host-unreachable",
        RejectType.NO_ROUTE: "icmp-net-unreachable",
        RejectType.ADMIN_PROHIBITED: "icmp-admin-prohibited",
        RejectType.TCP_RESET: "tcp-reset",
        RejectType.NET_UNREACHABLE: "icmp-net-unreachable",
        RejectType.PROTO_UNREACHABLE: "icmp-proto-unreachable",
        RejectType.NET_PROHIBITED: "icmp-net-prohibited",
        RejectType.HOST_PROHIBITED: "icmp-host-prohibited",
    },
    Family.IP6: {
        RejectType.PORT_UNREACHABLE: "icmp6-port-unreachable",
        RejectType.HOST_UNREACHABLE: "icmp6-addr-unreachable",
        RejectType.NO_ROUTE: "icmp6-no-route",
        RejectType.ADMIN_PROHIBITED: "icmp6-adm-prohibited",
        RejectType.TCP_RESET: "tcp-reset",
        RejectType.ADDR_UNREACHABLE: "icmp6-addr-unreachable",
        RejectType.POLICY_FAIL: "icmp6-policy-fail",
        RejectType.REJECT_ROUTE: "icmp6-reject-route",
    },
}


def target(verdict: Reject, family: Family) -> str:
    return f"-j REJECT --reject-with {_ANSWERS[family][verdict.type]}"
