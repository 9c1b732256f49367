"""Expressions of libnftables' JSON in one spelling, so that equal meanings are equal texts."""

from __future__ import annotations

from polc.backends.nft.json_value import Json, compact, items, members
from polc.backends.nft.symbols import flags, number
from polc.ir.addresses import format_range, parse_address
from polc.ir.family import Family
from polc.ir.fields import FIELDS, TCP_OPTION_KINDS
from polc.ir.intervals import Intervals

_ADDRESS_FIELDS = {
    f"{before}{family} {side}"
    for before in ("", "ct original ", "ct reply ")
    for family in ("ip", "ip6")
    for side in ("saddr", "daddr")
}
_OPTION_KINDS = {**TCP_OPTION_KINDS, "eol": 0, "nop": 1, "noop": 1}
"""An option that is asked for by its number is listed by its name, where nft has one."""
_WIDTHS = {field.value: fact.bits for field, fact in FIELDS.items()}
FLAG_FIELDS = ("tcp flags", "ct status")


def left(value: Json) -> str:
    """``tcp dport``, ``meta iifname``, ``ip saddr & 255.255.255.0``, ``ip saddr . ip daddr``."""
    match value:
        case {"payload": {"protocol": str(protocol), "field": str(field), **rest}} if not rest:
            return f"{protocol} {field}"
        case {"meta": {"key": str(key), **rest}} if not rest:
            return f"meta {key}"
        case {"ct": {"key": str(key), **rest}} if not rest:
            return f"ct {key}"
        case {"ct": {"key": str(key), "dir": str(direction), **rest}} if not rest:
            return f"ct {direction} {key}"
        case {"tcp option": {"name": str(name), "field": str(field), **rest}} if not rest:
            return f"tcp option {name} {field}"
        case {"exthdr": {"name": str(name), "field": str(field), **rest}} if not rest:
            return f"{name} {field}"
        case {"tcp option": {"name": str(name), **rest}} if not rest:
            return f"tcp option {_OPTION_KINDS.get(name, name)}"
        case {"tcp option": {"base": int(kind), "offset": 0, "len": 8, **rest}} if not rest:
            return f"tcp option {kind}"
        case {"&": [inner, mask]}:
            field = left(inner)
            bits = flags(field, mask) if field in FLAG_FIELDS else None
            return f"{field} & {mask if bits is None else bits}"
        case {"concat": list(parts)}:
            return " . ".join(left(part) for part in parts)
        case _:
            return compact(value)


def right(field: str, value: Json) -> str:
    """The values that ``field`` is held against: merged and sorted where they are numbers or addresses."""
    if isinstance(value, str) and value.startswith("@"):
        return value
    values = items(members(value).get("set", value))
    merged = None if " . " in field else intervals(field, values)
    if merged is None:
        return _braced(sorted(cell(field, one) for one in values))
    if field in _ADDRESS_FIELDS:
        family = Family.IP6 if "ip6 " in field else Family.IP
        return _braced([format_range(family, low, high) for low, high in merged.ranges])
    return _braced([str(low) if low == high else f"{low}-{high}" for low, high in merged.ranges])


def intervals(field: str, values: list[Json]) -> Intervals | None:
    """The values of one field as numbers, merged; None where they are others."""
    if field in _ADDRESS_FIELDS:
        pairs = [_addresses(one) for one in values]
    else:
        field = field.partition(" & ")[0]
        pairs = [None if field.endswith("name") else _numbers(field, one) for one in values]
    found = [one for one in pairs if one is not None]
    return Intervals.of(found) if len(found) == len(pairs) else None


def cell(field: str, value: Json) -> str:
    """One element: a value of a field, or of several side by side (``ip saddr . tcp dport``)."""
    match value:
        case {"concat": list(parts)} if len(fields := field.split(" . ")) == len(parts):
            return " . ".join(cell(one, part) for one, part in zip(fields, parts, strict=True))
        case _:
            # States stand by their names or numbers there.
            one = STATE_NUMBERS if field == "ct state" else field
            numbers = intervals(one, [value])
            if numbers is None:
                return value if isinstance(value, str) else compact(value)
            ((low, high),) = numbers.ranges
            return str(low) if low == high else f"{low}-{high}"


STATE_NUMBERS = "ct state number"


def _braced(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{{ {', '.join(texts)} }}"


def _addresses(value: Json) -> tuple[int, int] | None:
    match value:
        case str(text):
            spelled = text
        case {"prefix": {"addr": str(address), "len": int(length)}}:
            spelled = f"{address}/{length}"
        case {"range": [str(low), str(high)]}:
            spelled = f"{low}-{high}"
        case _:
            return None
    try:
        _, first, last = parse_address(spelled)
    except ValueError:
        return None
    return first, last


def _numbers(field: str, value: Json) -> tuple[int, int] | None:
    match value:
        case {"range": [low, high]}:
            first, last = _number(field, low), _number(field, high)
        case {"prefix": {"addr": low, "len": int(length)}} if field in _WIDTHS:
            # So nft before 1.1 lists a range of marks or groups that has the form of one.
            first = _number(field, low)
            last = None if first is None else first | (1 << _WIDTHS[field] - length) - 1
        case _:
            first = last = _number(field, value)
    if first is None or last is None or first > last:
        return None
    return first, last


def _number(field: str, value: Json) -> int | None:
    match value:
        case bool():
            return None
        case int():
            return value if value >= 0 else value + (1 << 64)  # nft lists counters of flows as signed
        case str():
            return number(field, value)
        case _:
            return None
