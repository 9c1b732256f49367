"""Named sets of a ruleset."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod

from polc.backends.features import Feature
from polc.backends.nft.definitions import SetDefinition
from polc.backends.nft.elements import cell, has_range, has_wildcard, rows
from polc.backends.nft.expressions import Addresses, Right, Rows
from polc.backends.nft.limits import check_size
from polc.backends.nft.names import check_name
from polc.backends.nft.refused import Refused
from polc.backends.nft.require import require
from polc.backends.profile import Profile
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.ruleset import DynamicSet
from polc.ir.selectors import (
    Conntrack,
    Direction,
    Element,
    InterfacePattern,
    KeyType,
    KeyValue,
    Selector,
    Side,
    Transport,
)

DEFAULT_SIZE = 65535
"""What nft gives a set that rules fill where nobody says how large it may become."""

_SELECTORS: dict[KeyType, Selector] = {
    KeyType.IPV4_ADDR: Side.SADDR,
    KeyType.IPV6_ADDR: Side.SADDR,
    KeyType.INET_SERVICE: Transport.DPORT,
    KeyType.INET_PROTO: Transport.PROTOCOL,
    KeyType.IFNAME: Direction.IN,
    KeyType.CT_STATE: Conntrack.STATE,
    KeyType.MARK: Field.META_MARK,
    KeyType.ETHER_ADDR: Field.ETHER_SADDR,
}
"""A part of a packet of each type: how its elements are written is a matter of the type alone."""


def define_set(one: DynamicSet, profile: Profile, *, filled: bool) -> SetDefinition:
    """``filled``: rules change it. The kernel needs to be told; JSON of nft 0.9.8 has no other way to than a timeout.

    Raises:
        Refused: nft has no form for the set.
    """
    check_name("set", one.name)
    size = one.size if one.size is not None or not filled else DEFAULT_SIZE
    if size is not None:
        check_size(size)
    if one.intervals and filled:
        raise Refused(f"rules of nft cannot change a set of ranges, as `{one.name}` is one", "a set without ranges")
    wildcard = any(map(has_wildcard, one.elements))
    if wildcard:
        require(profile, Feature.INTERFACE_WILDCARD_SETS)
    if one.intervals and len(one.types) > 1:
        require(profile, Feature.CONCAT_RANGES)
        marks = [place for place, part in enumerate(one.types) if part is KeyType.MARK]
        if has_range(tuple(element[place] for place in marks) for element in one.elements):
            require(profile, Feature.CONCAT_RANGES_OF_NUMBERS)
    return SetDefinition(
        one.name,
        tuple(part.value for part in one.types),
        size,
        one.timeout,
        timed=one.timeout is not None or filled,
        interval=one.intervals or wildcard,
        elements=elements_of(one) if one.elements else None,
    )


def elements_of(one: DynamicSet) -> Right:
    """What is in the set, as it is written."""
    selectors = tuple(_SELECTORS[part] for part in one.types)
    family = next(iter(one.families)) if len(one.families) == 1 else None
    if len(selectors) == 1 and not isinstance(selectors[0], Conntrack | Direction):
        (selector,) = selectors
        values = (value for (value,) in one.elements)
        joined = Intervals.of(pair for value in values if isinstance(value, Intervals) for pair in value.ranges)
        if family is not None:
            return Addresses(family, joined, each=not one.intervals)
        if one.intervals:
            return cell(selector, joined, family)
    elements = one.elements if one.intervals else tuple(new for each in one.elements for new in _each(each, one.name))
    return Rows(tuple(rows(selectors, elements, family)))


def _each(element: Element, name: str) -> Iterator[Element]:
    """An element of a set without ranges as those of one value a part."""
    sizes = (
        sum(high - low + 1 for low, high in value.ranges) if isinstance(value, Intervals) else 1 for value in element
    )
    if prod(sizes) > _MOST:
        raise Refused(f"the set `{name}` has large ranges, and is none of ranges")
    return product(*map(_values, element))


_MOST = 65536


def _values(value: KeyValue) -> list[KeyValue]:
    if isinstance(value, InterfacePattern):
        return [value]
    return [Intervals.single(number) for low, high in value.ranges for number in range(low, high + 1)]
