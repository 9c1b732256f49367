"""Transport protocol numbers (IANA, Assigned Internet Protocol Numbers) and ICMP types, by netfilter's names."""

from __future__ import annotations

from polc.ir.family import Family

TCP, UDP, ICMP, ICMPV6, DCCP, SCTP, MOBILITY, UDPLITE = 6, 17, 1, 58, 33, 132, 135, 136

PROTOCOLS: dict[str, int] = {
    "icmp": ICMP,
    "igmp": 2,
    "ipip": 4,
    "tcp": TCP,
    "udp": UDP,
    "dccp": DCCP,
    "ipv6": 41,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "icmpv6": ICMPV6,
    "ospf": 89,
    "pim": 103,
    "ipcomp": 108,
    "vrrp": 112,
    "l2tp": 115,
    "sctp": SCTP,
    "udplite": UDPLITE,
}

PROTOCOL_NAMES: dict[int, str] = {number: name for name, number in PROTOCOLS.items()}

PORT_PROTOCOLS: frozenset[int] = frozenset({TCP, UDP, DCCP, SCTP, UDPLITE})
"""Protocols whose header begins with source and destination port."""

TRACKED_PORTS: frozenset[int] = PORT_PROTOCOLS - {DCCP}
"""Those whose ports conntrack looks at and NAT changes: Linux 6.17 has dropped DCCP (nf_conntrack_core.c,
nf_ct_get_tuple; nf_nat_proto.c, nf_nat_manip_pkt).
"""

ICMP_FAMILY: dict[int, Family] = {ICMP: Family.IP, ICMPV6: Family.IP6}

ICMP_TYPES: dict[int, dict[str, int]] = {
    # RFC 792, RFC 1256, RFC 950; names as in nft(8), ICMP TYPE TYPE
    ICMP: {
        "echo-reply": 0,
        "destination-unreachable": 3,
        "source-quench": 4,
        "redirect": 5,
        "echo-request": 8,
        "router-advertisement": 9,
        "router-solicitation": 10,
        "time-exceeded": 11,
        "parameter-problem": 12,
        "timestamp-request": 13,
        "timestamp-reply": 14,
        "info-request": 15,
        "info-reply": 16,
        "address-mask-request": 17,
        "address-mask-reply": 18,
    },
    # RFC 4443, RFC 4861, RFC 2710, RFC 3810, RFC 2894, RFC 3122; names as in nft(8), ICMPV6 TYPE TYPE
    ICMPV6: {
        "destination-unreachable": 1,
        "packet-too-big": 2,
        "time-exceeded": 3,
        "parameter-problem": 4,
        "echo-request": 128,
        "echo-reply": 129,
        "mld-listener-query": 130,
        "mld-listener-report": 131,
        "mld-listener-done": 132,
        "nd-router-solicit": 133,
        "nd-router-advert": 134,
        "nd-neighbor-solicit": 135,
        "nd-neighbor-advert": 136,
        "nd-redirect": 137,
        "router-renumbering": 138,
        "ind-neighbor-solicit": 141,
        "ind-neighbor-advert": 142,
        "mld2-listener-report": 143,
    },
}
