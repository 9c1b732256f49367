"""Names that ``nft -j list`` prints for numbers (nftables, src/datatype.c, src/proto.c)."""

from __future__ import annotations

import socket

from polc.backends.nft.json_value import Json
from polc.ir.fields import CT_STATUS_BITS, FIELDS, TCP_FLAG_BITS, Field
from polc.ir.matches import CtState
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

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_FIELD_NAMES = {one.value: dict(fact.names) for one, fact in FIELDS.items() if fact.names and one is not Field.META_DAY}

_SYMBOLS: dict[str, dict[str, int]] = {
    "meta l4proto": {**PROTOCOLS, "ipv6-icmp": ICMPV6},
    "ct protocol": {**PROTOCOLS, "ipv6-icmp": ICMPV6},
    "icmp type": ICMP_TYPES[ICMP],
    "icmpv6 type": ICMP_TYPES[ICMPV6],
    "icmp code": _ICMP_CODES,
    "icmpv6 code": _ICMPV6_CODES,
    **_FIELD_NAMES,
    "meta day": {name: number for number, name in enumerate(_DAYS)},
    "meta iifgroup": {"default": 0},  # nft prints groups by the host's /etc/iproute2/group
    "meta oifgroup": {"default": 0},
    "meta rtclassid": {"cosmos": 0},  # and realms by its rt_realms
    "tcp flags": TCP_FLAG_BITS,
    "ct status": CT_STATUS_BITS,
    "ct state number": {one.name.lower(): one.value for one in CtState if one.name},
}


def number(field: str, name: str) -> int | None:
    """What ``name`` stands for as a value of ``field`` (``icmp type``), or None if it is no name of a number there."""
    if name.isdecimal():
        return int(name)
    if field == "meta hour":
        return _seconds(name)
    if field == "ct expiration":
        # nft lists whole seconds.
        return int(name.partition("s")[0]) if name.partition("s")[0].isdecimal() else None
    if field in ("ether saddr", "ether daddr"):
        return int(name.replace(":", ""), 16) if name.count(":") == 5 else None
    if field == "meta priority" and ":" in name:
        return _handle(name)
    known = _SYMBOLS.get(field, {}).get(name)
    if known is None and field in ("meta l4proto", "ct protocol"):
        try:  # nft prints protocols by the host's /etc/protocols
            return socket.getprotobyname(name)
        except OSError:
            return None
    return known


def _handle(text: str) -> int | None:
    """A class of tc, ``1:20`` in hexadecimal digits."""
    major, _, minor = text.partition(":")
    try:
        return int(major or "0", 16) << 16 | int(minor or "0", 16)
    except ValueError:
        return None


def _seconds(clock: str) -> int | None:
    """``08:00`` and ``17:30:59`` as seconds since midnight."""
    parts = clock.split(":")
    if not (2 <= len(parts) <= 3 and all(part.isdecimal() for part in parts)):
        return None
    hour, minute, second = (*(int(part) for part in parts), 0)[:3]
    return (hour * 60 + minute) * 60 + second


def flags(field: str, value: Json) -> int | None:
    """The bits that a list of names, a tree of them or a number stands for, or None if it is none of those."""
    match value:
        case bool():
            return None
        case int():
            return value
        case str(name):
            return number(field, name)
        case {"|": list(parts)} | list(parts):
            found = 0
            for part in parts:
                bits = flags(field, part)
                if bits is None:
                    return None
                found |= bits
            return found
        case _:
            return None
