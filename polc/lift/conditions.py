"""What stands behind ``where``."""

from __future__ import annotations

from collections.abc import Callable

from polc.ir.fields import CT_STATUS_BITS, FIELDS, TCP_FLAG_BITS, TCP_OPTION_KINDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressTypeMatch,
    ElementMatch,
    ExtensionHeaderMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    Match,
    NameMatch,
    OriginalAddressMatch,
    ReversePathMatch,
    TcpOptionMatch,
    TraitMatch,
)
from polc.ir.protocols import PROTOCOL_NAMES
from polc.ir.selectors import Direction, Transport
from polc.lift.groups import Groups
from polc.lift.model import Unsayable
from polc.lift.quoting import quoted
from polc.lift.times import clock, seconds
from polc.policy.lower.values import duration

_OPTIONS = {kind: name for name, kind in TCP_OPTION_KINDS.items()}
_BITS = {FlagField.TCP_FLAGS: TCP_FLAG_BITS, FlagField.CT_STATUS: CT_STATUS_BITS}
_WORDS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")


def condition(match: Match, groups: Groups) -> str:
    """One comparison, or several with ``and`` and ``or`` between them in brackets.

    Raises:
        Unsayable: there are no words for it.
    """
    match match:
        case FieldMatch(field, values, mask, negated):
            return _field(field, values, mask, negated)
        case FlagsMatch():
            return _flags(match)
        case NameMatch(field, name, negated):
            return f"{field.value}{' !=' if negated else ''} {_name(name)}"
        case ReversePathMatch(loose, passes):
            return f"rpfilter {'loose ' if loose else ''}{'passes' if passes else 'fails'}"
        case AddressTypeMatch(side, types, negated, interface):
            limited = "" if interface is None else " . iif" if interface is Direction.IN else " . oif"
            named = ", ".join(one.value for one in types)
            return f"fib {side.value}{limited} type{' !=' if negated else ''} {named}"
        case TraitMatch(trait, negated):
            return f"{'not ' if negated else ''}{trait.value}"
        case TcpOptionMatch(kind, negated):
            return f"tcp option {_OPTIONS.get(kind, kind)} {'missing' if negated else 'exists'}"
        case ExtensionHeaderMatch(header, negated):
            return f"exthdr {header.value} {'missing' if negated else 'exists'}"
        case OriginalAddressMatch(side, addresses, negated, reply):
            of = "reply" if reply else "original"
            return f"ct {of} {side.value}{' !=' if negated else ''} {groups.words(addresses)}"
        case ElementMatch((Transport.PROTOCOL,), elements, negated):
            parts = (part for element in elements for part in element if isinstance(part, Intervals))
            numbers = [one for part in parts for one in _each(part)]
            names = ", ".join(PROTOCOL_NAMES.get(one, str(one)) for one in numbers)
            return f"meta l4proto{' !=' if negated else ''} {names}"
        case _:
            raise Unsayable("the language has no words for one of its matches")


def _each(values: Intervals) -> list[int]:
    return [one for low, high in values.ranges for one in range(low, high + 1)]


def _field(field: Field, values: Intervals, mask: int | None, negated: bool) -> str:
    highest = FIELDS[field].highest
    if mask is not None:
        hosts = highest & ~mask
        if hosts & (hosts + 1):
            return _masked(field, values, mask, negated)
        # Under the mask of a prefix a value stands for a range.
        ends = (((low + hosts) & mask, high & mask | hosts) for low, high in values.ranges)
        values = Intervals.of(pair for pair in ends if pair[0] <= pair[1])
    if not values:
        raise Unsayable("no value of a field meets it")
    if field is Field.TCP_MSS and values.covers(0, highest) and not negated:
        return "tcp option maxseg exists"
    if values.covers(0, highest):
        raise Unsayable("every value of a field meets it, or none")
    if not negated and len(values.ranges) == 1 and _is_number(field):
        low, high = values.ranges[0]
        if low == 0 < high:
            return f"{field.value} < {high + 1}"
        if high == highest > low:
            return f"{field.value} >= {low}"
    words = ", ".join(value_range(field, low, high) for low, high in values.ranges)
    return f"{field.value}{' !=' if negated else ''} {words}"


def value_range(field: Field, low: int, high: int) -> str:
    if low == high:
        return _value(field, low)
    # Names can have a hyphen in them.
    write = _ORDINARY.get(field, str)
    days = field is Field.META_DAY
    return "-".join(_value(field, one) if days else write(one) for one in (low, high))


def _masked(field: Field, values: Intervals, mask: int, negated: bool) -> str:
    fitting = [one for low, high in values.ranges for one in _within(low, high, mask)]
    if not fitting:
        raise Unsayable("no value of a field meets it, under its mask")
    tests = [f"{field.value} & {mask:#x} {'!=' if negated else '=='} {one:#x}" for one in fitting]
    return tests[0] if len(tests) == 1 else f"({(' and ' if negated else ' or ').join(tests)})"


def _within(low: int, high: int, mask: int) -> list[int]:
    """The values of a range that have no bit outside the mask.

    Raises:
        Unsayable: they are too many to be written.
    """
    if high - low > 63:
        raise Unsayable("it compares bits of a field with too many values")
    return [one for one in range(low, high + 1) if not one & ~mask]


_ORDINARY: dict[Field, Callable[[int], str]] = {
    Field.META_HOUR: clock,
    Field.META_MARK: lambda one: str(one) if one < 10 else f"{one:#x}",
    Field.CT_MARK: lambda one: str(one) if one < 10 else f"{one:#x}",
    Field.CT_EXPIRATION: lambda one: _time(one),
    Field.ETHER_SADDR: lambda one: one.to_bytes(6, "big").hex(":"),
    Field.ETHER_DADDR: lambda one: one.to_bytes(6, "big").hex(":"),
    Field.META_PRIORITY: lambda one: f"{one >> 16:x}:{one & 0xFFFF:x}",
}
"""Fields whose values are written otherwise than as numbers in decimal."""


def _time(one: int) -> str:
    text = seconds(one)
    try:
        return text if duration(text) == one else str(one)
    except ValueError:
        return str(one)


def _is_number(field: Field) -> bool:
    return field not in _ORDINARY and not FIELDS[field].names


def _value(field: Field, value: int) -> str:
    own = _ORDINARY.get(field)
    names = {number: name for name, number in reversed(FIELDS[field].names)}
    if value in names:
        return names[value]
    return own(value) if own else str(value)


def _flags(match: FlagsMatch) -> str:
    field, mask, value, negated = match.field, match.mask, match.value, match.negated
    if mask == 0xFF and field is FlagField.TCP_FLAGS:
        return f"{field.value} {'!=' if negated else '=='} {_bits(field, value)}"
    if value == 0 or (value == mask and mask & (mask - 1) == 0):
        # At least one of these bits is set, or none is.
        some_set = negated if value == 0 else not negated
        return f"{'' if some_set else 'not '}{field.value} {_bits(field, mask)}"
    if value & ~mask:
        raise Unsayable("no value of the flags meets it, under its mask")
    return f"{field.value}{' !=' if negated else ''} {_bits(field, value)} / {_bits(field, mask)}"


def _bits(field: FlagField, value: int) -> str:
    known = _BITS[field]
    names = [name for name, bit in known.items() if value & bit]
    rest = value & ~sum(bit for bit in known.values() if value & bit)
    return ", ".join((*names, *((f"{rest:#x}",) if rest or not names else ())))


def _name(name: str) -> str:
    return name if name[:1].isalpha() and set(name) <= _WORDS else quoted(name)
