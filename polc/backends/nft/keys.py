"""Keys of stateful matches: addresses cut to a prefix, one or several side by side."""

from __future__ import annotations

from polc.backends.nft.expressions import Concat, Key, Masked, Payload
from polc.ir.addresses import format_address
from polc.ir.family import Family
from polc.ir.matches import Side
from polc.ir.stateful import KeyField, KeyPart

_SIDE = {KeyField.SOURCE: Side.SADDR, KeyField.DESTINATION: Side.DADDR}
_PORTS = {KeyField.SPORT: "sport", KeyField.DPORT: "dport"}
_PORT_PARTS = tuple(Payload("th", field) for field in _PORTS.values())
ADDRESS_TYPES = {Family.IP: "ipv4_addr", Family.IP6: "ipv6_addr"}


def address(side: Side, family: Family) -> Payload:
    return Payload(family.value, side.value)


def key_of(parts: tuple[KeyPart, ...], family: Family) -> Key | None:
    """The key for packets of one family, or None when every packet has the same (no part, or prefixes of length 0)."""
    found = [_part(part, family) for part in parts if part.field in _PORTS or _length(part, family)]
    match found:
        case []:
            return None
        case [one]:
            return one
        case _:
            return Concat(tuple(found))


def _part(part: KeyPart, family: Family) -> Payload | Masked:
    if part.field in _PORTS:
        # `th`: whichever transport protocol the rule names, its ports stand first (RFC 9293, RFC 768, RFC 9260).
        return Payload("th", _PORTS[part.field])
    payload = address(_SIDE[part.field], family)
    length = _length(part, family)
    return payload if length == family.bits else Masked(payload, family, length)


def _length(part: KeyPart, family: Family) -> int:
    return part.ip_length if family is Family.IP else part.ip6_length


def key_types(key: Key, family: Family) -> tuple[str, ...]:
    """The types of a set whose elements are such keys."""
    parts = key.parts if isinstance(key, Concat) else (key,)
    return tuple("inet_service" if part in _PORT_PARTS else ADDRESS_TYPES[family] for part in parts)


def mask(family: Family, length: int) -> str:
    """The network mask of a prefix length, written as an address."""
    return format_address(family, ((1 << length) - 1) << (family.bits - length))
