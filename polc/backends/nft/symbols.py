"""Names that ``nft -j list`` prints for numbers (nftables, src/datatype.c, src/proto.c)."""

from __future__ import annotations

import socket

from polc.ir.protocols import ICMP, ICMP_TYPES, ICMPV6, PROTOCOLS

_ICMP_CODES = {
    "net-unreachable": 0,
    "host-unreachable": 1,
    "prot-unreachable": 2,
    "port-unreachable": 3,
    "frag-needed": 4,
    "net-prohibited": 9,
    "host-prohibited": 10,
    "admin-prohibited": 13,
}
_ICMPV6_CODES = {
    "no-route": 0,
    "admin-prohibited": 1,
    "addr-unreachable": 3,
    "port-unreachable": 4,
    "policy-fail": 5,
    "reject-route": 6,
}

_SYMBOLS: dict[str, dict[str, int]] = {
    "meta l4proto": {**PROTOCOLS, "ipv6-icmp": ICMPV6},
    "icmp type": ICMP_TYPES[ICMP],
    "icmpv6 type": ICMP_TYPES[ICMPV6],
    "icmp code": _ICMP_CODES,
    "icmpv6 code": _ICMPV6_CODES,
}


def number(field: str, name: str) -> int | None:
    """What ``name`` stands for as a value of ``field`` (``icmp type``), or None if it is no name of a number there."""
    if name.isdecimal():
        return int(name)
    known = _SYMBOLS.get(field, {}).get(name)
    if known is None and field == "meta l4proto":
        try:  # nft prints protocols by the host's /etc/protocols
            return socket.getprotobyname(name)
        except OSError:
            return None
    return known
