"""Boxes as people read them: pairs of interfaces, services, addresses, states and other conditions; and which of them
are one, because they differ in one of these parts alone.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from polc.diffing.boxes import Box
from polc.diffing.conditions import condition
from polc.diffing.names import ALL_BUT, Names, addresses_text
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import CtState
from polc.ir.protocols import ICMP, ICMPV6
from polc.symbolic.space import STATES, Of, Space

Values = Intervals | None
"""None: any."""


@dataclass(frozen=True, slots=True)
class Service:
    """Protocols, and what their headers say. ``fragments``: later fragments alone (True), or none of them (False).
    ``family``: it is about packets of one family alone (None: of all that the shape has).
    """

    protocols: Values = None
    sports: Values = None
    dports: Values = None
    types: Values = None
    codes: Values = None
    fragments: bool | None = None
    family: Family | None = None


@dataclass(frozen=True, slots=True)
class Ends:
    """Addresses of one family."""

    family: Family
    sources: Values = None
    destinations: Values = None


@dataclass(frozen=True, slots=True)
class Shape:
    """The packets of one of the pairs of ``interfaces`` (classes of names, as in the space), one of the services, one
    of the pairs of ends, that are in one of the ``states`` (None: in any) and meet all ``conditions``.
    """

    interfaces: tuple[tuple[Values, Values], ...]
    services: tuple[Service, ...]
    ends: tuple[Ends, ...]
    states: CtState | None
    conditions: tuple[str, ...]

    @property
    def families(self) -> frozenset[Family]:
        return frozenset(one.family for one in self.ends)


_ALONE = frozenset({
    Of.IIF, Of.OIF, Of.PROTOCOL, Of.FRAGMENT, Of.SPORT, Of.DPORT, Of.TYPE, Of.CODE, Of.SADDR, Of.DADDR, Of.CT,
})  # fmt: skip


def shape_of(space: Space, box: Box, names: Names) -> Shape:
    """What a box says."""
    of: dict[Of, Intervals] = {}
    others: list[str] = []
    for number in sorted(box):
        variable = space.variables[number]
        if variable.of in _ALONE:
            of[variable.of] = box[number]
        else:
            others.append(condition(space, variable, box[number], names))
    states = None
    if Of.CT in of:
        states = CtState(0)
        for at, one in enumerate(STATES):
            if at in of[Of.CT]:
                states |= one
    fragments = None if Of.FRAGMENT not in of else 1 in of[Of.FRAGMENT]
    service = Service(
        of.get(Of.PROTOCOL), of.get(Of.SPORT), of.get(Of.DPORT), of.get(Of.TYPE), of.get(Of.CODE), fragments
    )  # fmt: skip
    ends = Ends(space.family, of.get(Of.SADDR), of.get(Of.DADDR))
    return Shape(((of.get(Of.IIF), of.get(Of.OIF)),), (service,), (ends,), states, tuple(others))


T = TypeVar("T")
_Key = Callable[[Shape, Names], Hashable]


def merged(found: Iterable[tuple[Shape, list[T]]], names: Names) -> list[tuple[Shape, list[T]]]:
    """Shapes that differ in their services, their interfaces or their families alone are one, as long as anything
    changes; what belonged to each is joined in order.
    """
    shapes = list(found)
    while True:
        before = len(shapes)
        for key, join in _PARTS:
            groups: dict[Hashable, list[tuple[Shape, list[T]]]] = {}
            for one in shapes:
                groups.setdefault(key(one[0], names), []).append(one)
            shapes = []
            for group in groups.values():
                if join in (_join_ends, _join_families) and not _one_of_each([shape for shape, _ in group]):
                    shapes += group
                else:
                    shapes.append((join([shape for shape, _ in group]), [part for _, parts in group for part in parts]))
        if len(shapes) == before:
            return shapes


def _but_services(shape: Shape, names: Names) -> Hashable:
    return replace(shape, services=())


def _but_interfaces(shape: Shape, names: Names) -> Hashable:
    return replace(shape, interfaces=())


def _but_family(shape: Shape, names: Names) -> Hashable:
    """Ends of both families that are called the same."""
    called = frozenset((_called(one.sources, one, names), _called(one.destinations, one, names)) for one in shape.ends)
    return replace(shape, ends=()), called


def _called(values: Values, ends: Ends, names: Names) -> str:
    return "" if values is None else addresses_text(values, ends.family, names)


def _but_addresses(shape: Shape, names: Names) -> tuple[Shape, Hashable]:
    """Ends of both families are told together, unless some addresses of one stand beside all of the other."""
    kinds = {(_is_most(one.sources, one, names), _is_most(one.destinations, one, names)) for one in shape.ends}
    return replace(shape, ends=()), frozenset(kinds)


def _but_icmp(shape: Shape, names: Names) -> Hashable:
    """As the two above, where services are the same but for ICMP, which each family has its own of."""
    if len(shape.ends) != 1:
        return shape
    services = frozenset(_translated(one, shape.ends[0].family) for one in shape.services)
    return replace(shape, ends=(), services=()), _but_addresses(shape, names)[1], services


def _translated(service: Service, family: Family) -> Hashable:
    own = ICMP if family is Family.IP else ICMPV6
    if service.protocols is None:
        return service
    if service.protocols == Intervals.single(own):
        return "icmp", service.fragments
    numbers = {number for low, high in service.protocols.ranges for number in range(low, high + 1)}
    called = frozenset("icmp" if one == own else one for one in numbers - {ICMP + ICMPV6 - own})
    return called, replace(service, protocols=None)


def _is_most(values: Values, ends: Ends, names: Names) -> bool:
    return values is None or _called(values, ends, names).startswith(ALL_BUT)


def _one_of_each(shapes: list[Shape]) -> bool:
    """Whether no family has two: pairs of ends of one family are no pair of sets."""
    ends = [one for shape in shapes for one in shape.ends]
    return len({one.family for one in ends}) == len(ends)


def _join_services(shapes: list[Shape]) -> Shape:
    return replace(shapes[0], services=_sorted(one for shape in shapes for one in shape.services))


def _join_interfaces(shapes: list[Shape]) -> Shape:
    return replace(shapes[0], interfaces=_sorted(one for shape in shapes for one in shape.interfaces))


def _join_families(shapes: list[Shape]) -> Shape:
    both = frozenset.intersection(*(frozenset(shape.services) for shape in shapes))
    services = _sorted(
        one if one in both else replace(one, family=shape.ends[0].family) for shape in shapes for one in shape.services
    )
    return replace(_join_ends(shapes), services=services) if len(shapes) > 1 else shapes[0]


def _join_ends(shapes: list[Shape]) -> Shape:
    ends = dict.fromkeys(one for shape in shapes for one in shape.ends)
    return replace(shapes[0], ends=tuple(sorted(ends, key=lambda one: (one.family is Family.IP6, repr(one)))))


_One = TypeVar("_One")


def _sorted(parts: Iterable[_One]) -> tuple[_One, ...]:
    """Each once, in an order that is the same whatever came first."""
    return tuple(sorted(dict.fromkeys(parts), key=repr))


_PARTS: tuple[tuple[_Key, Callable[[list[Shape]], Shape]], ...] = (
    (_but_services, _join_services),
    (_but_family, _join_ends),
    (_but_addresses, _join_ends),
    (_but_icmp, _join_families),
    (_but_interfaces, _join_interfaces),
)
