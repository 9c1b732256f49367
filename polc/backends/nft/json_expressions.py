"""Expressions as libnftables' JSON (libnftables-json(5), EXPRESSIONS)."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from polc.backends.nft.expressions import (
    Addresses,
    Bits,
    Bound,
    Concat,
    Ct,
    CtState,
    Exists,
    ExtensionHeader,
    Fib,
    Fingerprint,
    Flags,
    Hardware,
    Left,
    Masked,
    Meta,
    Names,
    Numbers,
    Payload,
    Protocol,
    Right,
    Row,
    Rows,
    SetReference,
    Socket,
    TcpOption,
    Turn,
    Twice,
    WholeSeconds,
    Words,
)
from polc.backends.nft.hardware import format_mac
from polc.backends.nft.json_value import Json
from polc.backends.nft.keys import mask
from polc.ir.addresses import format_address, prefix_length
from polc.ir.family import Family


def left(one: Left) -> Json:
    match one:
        case Meta(key):
            return {"meta": {"key": key}}
        case CtState():
            return {"ct": {"key": "state"}}
        case Payload(protocol, field):
            return {"payload": {"protocol": protocol, "field": field}}
        case Masked(payload, family, length):
            return {"&": [left(payload), mask(family, length)]}
        case Concat(parts):
            return {"concat": [left(part) for part in parts]}
        case Ct(key, direction):
            return {"ct": {"key": key, "dir": direction} if direction else {"key": key}}
        case Bits(inner, bits):
            return {"&": [left(inner), bits]}
        case TcpOption(name, "") if name.isdecimal():
            return {"tcp option": {"base": int(name), "offset": 0, "len": 8}}
        case TcpOption(name, field):
            return {"tcp option": {"name": name, "field": field} if field else {"name": name}}
        case ExtensionHeader(name, field):
            return {"exthdr": {"name": name, "field": field} if field else {"name": name}}
        case Fib(result, flags):
            return {"fib": {"result": result, "flags": [*flags]}}
        case Socket():
            return {"socket": {"key": "transparent"}}
        case Fingerprint():
            return {"osf": {"key": "name"}}
        case Turn(modulus):
            return {"numgen": {"mode": "inc", "mod": modulus, "offset": 0}}
        case _:
            assert_never(one)


def right(one: Right) -> Json:
    match one:
        case Flags(names):
            return [*names]
        case Protocol(family):
            return family.nfproto
        case SetReference(name):
            return f"@{name}"
        case Bound(_, number):
            return _number(number)
        case Twice(of):
            return {"set": values(of) * 2}
        case Exists(there):
            return there
        case _:
            found = values(one)
            return found[0] if len(found) == 1 and not isinstance(one, Rows) else {"set": found}


def values(one: Right) -> list[Json]:
    """What stands in a set with these elements."""
    match one:
        case Numbers(numbers):
            return [_interval(low, high, _number) for low, high in numbers.ranges]
        case Addresses(family, addresses, each):
            if each:
                return [
                    format_address(family, number) for low, high in addresses.ranges for number in range(low, high + 1)
                ]
            return [_addresses(family, low, high) for low, high in addresses.ranges]
        case Names(names):
            return [*names]
        case Hardware(numbers):
            return [_interval(low, high, format_mac) for low, high in numbers.ranges]
        case WholeSeconds(numbers):
            return [{"range": [f"{low}s", f"{high}s999ms"]} for low, high in numbers.ranges]
        case Words(words):
            return [*words]
        case Rows(rows):
            return [row(one) for one in rows]
        case _:
            raise AssertionError("no set has such elements")


def row(cells: Row) -> Json:
    """The parts of an element, each of one value or range."""
    parts = [part for cell in cells for part in values(cell)]
    return parts[0] if len(parts) == 1 else {"concat": parts}


def _number(number: int) -> Json:
    # From 2**63 on JSON has no integer that nft reads; a text it reads by the type of the field.
    return number if number < 1 << 63 else str(number)


def _addresses(family: Family, low: int, high: int) -> Json:
    length = prefix_length(family, low, high)
    if length is None or length == family.bits:
        return address_range(family, low, high)
    return {"prefix": {"addr": format_address(family, low), "len": length}}


def address_range(family: Family, low: int, high: int) -> Json:
    """An address, or a range even where it is a prefix."""
    return _interval(low, high, lambda number: format_address(family, number))


def _interval(low: int, high: int, form: Callable[[int], Json]) -> Json:
    return form(low) if low == high else {"range": [form(low), form(high)]}
