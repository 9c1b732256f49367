"""Keys of several parts, and the elements that they are looked up among."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import assert_never

from polc.backends.features import Feature
from polc.backends.nft.expressions import (
    Addresses,
    Concat,
    CtState,
    Hardware,
    Key,
    Meta,
    Names,
    Numbers,
    Part,
    Payload,
    Row,
    Values,
)
from polc.backends.nft.fields import HARDWARE, expression
from polc.backends.nft.interfaces import spell
from polc.backends.nft.keys import address
from polc.backends.nft.refused import Refused
from polc.backends.profile import Profile
from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import CtState as State
from polc.ir.selectors import Conntrack, Direction, Element, InterfacePattern, KeyValue, Selector, Side, Transport

_HOST_ORDER = frozenset(
    {
        Field.META_MARK,
        Field.CT_MARK,
        Field.META_SKUID,
        Field.META_SKGID,
        Field.META_IIFGROUP,
        Field.META_OIFGROUP,
        Field.META_PRIORITY,
        Field.META_RTCLASSID,
    }
)
"""Fields of several bytes in the order of the host: nft 0.9.8 compares ranges of them byte by byte, from the least."""

_OF_A_SIZE = _HOST_ORDER | {
    Field.ETHER_SADDR,
    Field.ETHER_DADDR,
    Field.ETHER_TYPE,
    Field.META_PKTTYPE,
    Field.META_DAY,
    Field.META_PROTOCOL,
    Field.CT_DIRECTION,
    Field.CT_ORIGINAL_PROTOCOL,
    Field.MH_TYPE,
}
"""Fields that can stand in a key of several parts. Others have a type without a size, or no whole bytes: nft 0.9.8
takes them there not at all, and all versions write ranges beside them as other numbers.
"""


def part(selector: Selector, family: Family | None) -> Part:
    """One part of a key in a rule of ``family``.

    Raises:
        Refused: an address in a rule of both families.
    """
    match selector:
        case Side():
            return address(selector, _one(family))
        case Direction():
            return Meta(selector.value)
        case Transport.PROTOCOL:
            return Meta("l4proto")
        case Transport():
            # `th`: whichever transport protocol it is, its ports stand first (RFC 9293, RFC 768, RFC 9260).
            return Payload("th", selector.value)
        case Conntrack():
            return CtState()
        case Field():
            return expression(selector)
        case _:
            assert_never(selector)


def key(selectors: tuple[Selector, ...], family: Family | None) -> Key:
    """The key of these parts, in a rule of ``family``; raises as ``part``."""
    parts = tuple(part(one, family) for one in selectors)
    return parts[0] if len(parts) == 1 else Concat(parts)


def cell(selector: Selector, value: KeyValue, family: Family | None) -> Values:
    """What a part can be: all ranges of ``value``; raises as ``part``."""
    match value:
        case InterfacePattern():
            return Names((spell(value),))
        case Intervals() if isinstance(selector, Side):
            return Addresses(_one(family), value)
        case Intervals() if selector in HARDWARE:
            return Hardware(value)
        case Intervals():
            return Numbers(value)
        case _:
            assert_never(value)


def rows(selectors: tuple[Selector, ...], elements: Iterable[Element], family: Family | None) -> Iterator[Row]:
    """Elements as rows of one value or range a part; raises as ``part``."""
    for values in singled(selectors, elements):
        yield tuple(cell(selector, value, family) for selector, value in zip(selectors, values, strict=True))


def singled(selectors: tuple[Selector, ...], elements: Iterable[Element]) -> Iterator[Element]:
    """Elements of one value or range a part, which together are the same."""
    for element in elements:
        yield from product(*(_single(selector, value) for selector, value in zip(selectors, element, strict=True)))


def _single(selector: Selector, value: KeyValue) -> list[KeyValue]:
    if isinstance(value, InterfacePattern):
        return [value]
    if isinstance(selector, Conntrack):
        # A packet has one state, and states are no numbers that could stand in a range.
        return [Intervals.single(state.value) for state in State if state.value in value]
    return [Intervals((pair,)) for pair in value.ranges]


def has_range(elements: Iterable[Element]) -> bool:
    return any(
        isinstance(value, Intervals) and any(low != high for low, high in value.ranges)
        for element in elements
        for value in element
    )


def has_wildcard(element: Element) -> bool:
    return any(isinstance(value, InterfacePattern) and value.wildcard for value in element)


def fits_a_map(selectors: tuple[Selector, ...], elements: tuple[Element, ...], profile: Profile) -> bool:
    """Whether nft can look a value up by the key: in its grammar no extension header stands to the right of a word."""
    return Field.MH_TYPE not in selectors and fits_one_set(selectors, elements, profile)


def fits_one_set(selectors: tuple[Selector, ...], elements: tuple[Element, ...], profile: Profile) -> bool:
    """Whether nft can look the key up in one set of all these elements."""
    if any(map(has_wildcard, elements)) and not profile.has(Feature.INTERFACE_WILDCARD_SETS):
        return False
    if not all(one in _OF_A_SIZE for one in selectors if isinstance(one, Field)):
        return False
    if len(selectors) == 1:
        return True
    if has_range(elements) and not profile.has(Feature.CONCAT_RANGES):
        return False
    if profile.has(Feature.CONCAT_RANGES_OF_NUMBERS):
        return True
    places = [place for place, one in enumerate(selectors) if one in _HOST_ORDER]
    return not has_range(tuple(element[place] for place in places) for element in elements)


def _one(family: Family | None) -> Family:
    if family is None:
        raise Refused("an address in a key takes a rule of one family", "a rule for each")
    return family
