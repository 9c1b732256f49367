"""Expressions in nft's own language (nft(8), EXPRESSIONS)."""

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
from polc.backends.nft.keys import mask
from polc.ir.addresses import format_address, format_range


def left(one: Left) -> str:
    match one:
        case Meta(key):
            return f"meta {key}"
        case CtState():
            return "ct state"
        case Payload(protocol, field):
            return f"{protocol} {field}"
        case Masked(payload, family, length):
            return f"{left(payload)} & {mask(family, length)}"
        case Concat(parts):
            return " . ".join(left(part) for part in parts)
        case Ct(key, direction):
            return f"ct {direction} {key}" if direction else f"ct {key}"
        case Bits(inner, bits):
            return f"{left(inner)} & {bits}"
        case TcpOption(name, field):
            return f"tcp option {name} {field}".rstrip()
        case ExtensionHeader(name, field):
            return f"{name} {field}" if field else f"exthdr {name}"
        case Fib(result, flags):
            return f"fib {' . '.join(flags)} {result}"
        case Socket():
            return "socket transparent"
        case Fingerprint():
            return "osf name"
        case Turn(modulus):
            return f"numgen inc mod {modulus}"
        case _:
            assert_never(one)


def right(one: Right) -> str:
    match one:
        case Flags(names):
            return ",".join(names)
        case Protocol(family):
            return family.nfproto
        case SetReference(name):
            return f"@{name}"
        case Bound(word, number):
            return f"{word} {number}"
        case Twice(of):
            return f"{{ {', '.join(in_set(of) * 2)} }}"
        case Exists(there):
            return "exists" if there else "missing"
        case _:
            found = in_set(one)
            return found[0] if len(found) == 1 and not isinstance(one, Rows) else f"{{ {', '.join(found)} }}"


def in_set(one: Right) -> list[str]:
    """What stands in a set with these elements."""
    match one:
        case Numbers(numbers):
            return [_interval(low, high, str) for low, high in numbers.ranges]
        case Addresses(family, addresses, each):
            if each:
                return [
                    format_address(family, number) for low, high in addresses.ranges for number in range(low, high + 1)
                ]
            return [format_range(family, low, high) for low, high in addresses.ranges]
        case Names(names):
            return [f'"{name}"' for name in names]
        case Hardware(numbers):
            return [_interval(low, high, format_mac) for low, high in numbers.ranges]
        case WholeSeconds(numbers):
            return [f"{low}s-{high}s999ms" for low, high in numbers.ranges]
        case Words(words):
            return [*words]
        case Rows(rows):
            return [row(one) for one in rows]
        case _:
            raise AssertionError("no set has such elements")


def row(cells: Row) -> str:
    """The parts of an element, each of one value or range."""
    return " . ".join(part for cell in cells for part in in_set(cell))


def _interval(low: int, high: int, form: Callable[[int], str]) -> str:
    return form(low) if low == high else f"{form(low)}-{form(high)}"
