"""Words that stand for numbers in nft's JSON (nftables, src/datatype.c, src/proto.c, src/meta.c, src/exthdr.c).

nft lists values by such words, some of them from files of the host (/etc/protocols), and reads them; what stands
neither here nor there is no word of ours, and the statement stays in nft's own words.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping

from polc.ir.family import Family
from polc.ir.fields import CT_STATUS_BITS, FIELDS, TCP_FLAG_BITS, Field
from polc.ir.protocols import ICMP, ICMP_TYPES, ICMPV6, PROTOCOLS

ETHER_TYPES = dict(FIELDS[Field.ETHER_TYPE].names)
NFPROTO = {"ipv4": Family.IP, "ipv6": Family.IP6}

ICMP_CODES: dict[int, dict[str, int]] = {
    ICMP: {
        "net-unreachable": 0,
        "host-unreachable": 1,
        "prot-unreachable": 2,
        "port-unreachable": 3,
        "frag-needed": 4,
        "net-prohibited": 9,
        "host-prohibited": 10,
        "admin-prohibited": 13,
    },
    ICMPV6: {
        "no-route": 0,
        "admin-prohibited": 1,
        "addr-unreachable": 3,
        "port-unreachable": 4,
        "policy-fail": 5,
        "reject-route": 6,
    },
}

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

_FIELD_WORDS: dict[Field, Mapping[str, int]] = {
    Field.META_DAY: {name: number for number, name in enumerate(_DAYS)},
    Field.META_IIFGROUP: {"default": 0},  # others stand in the host's /etc/iproute2/group
    Field.META_OIFGROUP: {"default": 0},
    Field.META_RTCLASSID: {"cosmos": 0},  # others stand in the host's /etc/iproute2/rt_realms
}

FLAG_WORDS: dict[str, Mapping[str, int]] = {"tcp flags": TCP_FLAG_BITS, "ct status": CT_STATUS_BITS}
ICMP_TYPE_WORDS: dict[int, Mapping[str, int]] = {ICMP: ICMP_TYPES[ICMP], ICMPV6: ICMP_TYPES[ICMPV6]}


def field_words(field: Field) -> Mapping[str, int]:
    return _FIELD_WORDS.get(field) or dict(FIELDS[field].names)


def protocol(name: str) -> int | None:
    """The number of a transport protocol by nft's name or, as nft does, the host's."""
    if name == "ipv6-icmp":
        return ICMPV6
    found = PROTOCOLS.get(name)
    if found is None and name.isascii() and "\0" not in name:
        try:
            found = socket.getprotobyname(name)
        except OSError:
            return None
    return found


def port(name: str) -> int | None:
    """The number of a port by its service's name, as nft looks it up: by the host's."""
    if not name.isascii() or "\0" in name:
        return None
    try:
        return socket.getservbyname(name)
    except OSError:
        return None
