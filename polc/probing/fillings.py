"""Fillings in files of probes: each part of an element in words, by the type of the key's part."""

from __future__ import annotations

from collections.abc import Iterator

from polc.diagnostics import Failure
from polc.ir.addresses import format_range, parse_address
from polc.ir.family import FAMILIES, Family
from polc.ir.filling import Filling
from polc.ir.intervals import Intervals
from polc.ir.selectors import ADDRESS_TYPES, Element, InterfacePattern, KeyType, KeyValue
from polc.simulate.packet_format import Json
from polc.source import Span

_TYPES = {one.value: one for one in KeyType}
_FAMILY_OF: dict[KeyType, Family] = {ADDRESS_TYPES[family]: family for family in FAMILIES}


def filling_json(one: Filling) -> dict[str, Json]:
    elements: list[Json] = [
        [_text(part, value) for part, value in zip(one.types, element, strict=True)] for element in one.elements
    ]
    return {
        "table": one.table,
        "set": one.name,
        "types": [part.value for part in one.types],
        "elements": elements,
    }


def _text(part: KeyType, value: KeyValue) -> str:
    if isinstance(value, InterfacePattern):
        return value.name
    family = _FAMILY_OF.get(part)
    if family is not None:
        return ",".join(format_range(family, low, high) for low, high in value.ranges)
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in value.ranges)


def read_filling(tree: object, whole: Span) -> Filling:
    """Raises:
    Failure: POL066.
    """
    match tree:
        case {"table": str(table), "set": str(name), "types": list(types), "elements": list(elements)}:
            pass
        case _:
            raise Failure.of("POL066", "a filling has `table`, `set`, `types` and `elements`", whole)
    if not types or not all(isinstance(one, str) and one in _TYPES for one in types):
        raise Failure.of("POL066", f"`types` are some of {', '.join(_TYPES)}", whole)
    parts = tuple(_TYPES[one] for one in types)
    return Filling(table, name, parts, tuple(_element(one, parts, whole) for one in elements))


def _element(tree: object, types: tuple[KeyType, ...], whole: Span) -> Element:
    if not isinstance(tree, list) or len(tree) != len(types) or not all(isinstance(one, str) for one in tree):
        raise Failure.of("POL066", "an element has a text for each of `types`", whole)
    return tuple(_value(part, one, whole) for part, one in zip(types, tree, strict=True))


def _value(part: KeyType, text: str, whole: Span) -> KeyValue:
    if part is KeyType.IFNAME:
        return InterfacePattern(text)
    try:
        return Intervals.of(_ranges(part, text))
    except ValueError:
        raise Failure.of("POL066", f"`{text}` is no {part.value}", whole) from None


def _ranges(part: KeyType, text: str) -> Iterator[tuple[int, int]]:
    for one in text.split(","):
        wanted = _FAMILY_OF.get(part)
        if wanted is not None:
            family, low, high = parse_address(one)
        else:
            first, _, last = one.partition("-")
            family, low, high = None, _number(first), _number(last or first)
        if family is not wanted or low > high:
            raise ValueError
        yield low, high


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ValueError
    return int(text)
