"""``vmap`` and ``map``: elements as entries, one for each value."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from polc.ir.addresses import format_range
from polc.ir.family import Family
from polc.ir.matches import CtState, PortTerm, ServiceMatch
from polc.ir.protocols import PORT_PROTOCOLS, PROTOCOL_NAMES
from polc.ir.ruleset import Rule
from polc.ir.selectors import Conntrack, Direction, Element, InterfacePattern, KeyValue, Selector, Side, Transport
from polc.ir.statements import MapMark
from polc.lift.conditions import value_range
from polc.lift.model import Unsayable
from polc.lift.quoting import quoted
from polc.lift.zones import pattern_text

_STATES = {one.value: (one.name or "").lower() for one in CtState}


def key_words(key: tuple[Selector, ...], rule: Rule) -> tuple[str, bool]:
    """The key, and whether it says the rule's service, which is then left out."""
    protocol = _whole_protocol(rule)
    parts = []
    said = False
    for selector in key:
        match selector:
            case Transport.SPORT | Transport.DPORT if protocol is not None:
                parts.append(f"{PROTOCOL_NAMES[protocol]} {selector.value}")
                said = True
            case Transport.PROTOCOL:
                parts.append("meta l4proto")
            case _:
                parts.append(selector.value)
    return " . ".join(parts), said


def _whole_protocol(rule: Rule) -> int | None:
    """The protocol that the rule's service is, where it is all of one with ports."""
    for match in rule.matches:
        match match:
            case ServiceMatch((PortTerm(protocol, None, None),)) if protocol in PORT_PROTOCOLS:
                return protocol
            case _:
                pass
    return None


def entries(key: tuple[Selector, ...], element: Element, rule: Rule) -> Iterator[str]:
    """The element as values that a policy has: ranges one by one, in every combination."""
    for values in product(*(list(_values(selector, part, rule)) for selector, part in zip(key, element, strict=True))):
        yield " . ".join(values)


def entry(place: str, leads_to: str) -> str:
    """``22: accept``; an IPv6 address has white space on both sides of the colon."""
    return f"{place} : {leads_to}" if ":" in place.rpartition(" ")[2] else f"{place}: {leads_to}"


def _values(selector: Selector, part: KeyValue, rule: Rule) -> Iterator[str]:
    if isinstance(part, InterfacePattern):
        text = pattern_text(part)
        yield text if text.isascii() and text.replace("-", "_").replace(".", "_").isidentifier() else quoted(text)
        return
    for low, high in part.ranges:
        yield from _range(selector, low, high, rule)


def _range(selector: Selector, low: int, high: int, rule: Rule) -> Iterator[str]:
    match selector:
        case Side():
            if len(rule.families) != 1:
                raise Unsayable("it looks up addresses and speaks of both families")
            yield format_range(_family(rule), low, high)
        case Direction():
            raise AssertionError(selector)
        case Transport.PROTOCOL:
            yield from (PROTOCOL_NAMES.get(one, str(one)) for one in range(low, high + 1))
        case Transport():
            yield str(low) if low == high else f"{low}-{high}"
        case Conntrack():
            yield from (_STATES[one] for one in _STATES if low <= one <= high)
        case _:
            yield value_range(selector, low, high)


def _family(rule: Rule) -> Family:
    return next(iter(rule.families))


def mark_map(statement: MapMark, rule: Rule) -> str:
    """``map tcp dport {80: 0x1}``."""
    key, _ = key_words(statement.key, rule)
    found = [
        entry(place, f"{value:#x}" if value > 9 else str(value))
        for element, value in statement.elements
        for place in entries(statement.key, element, rule)
    ]
    return f"map {key} {{{', '.join(found)}}}"
