"""Sets of packets for people: few boxes, each with the variables that bound it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from polc.ir.addresses import format_range
from polc.ir.fields import CT_STATUS_BITS, TCP_FLAG_BITS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FlagField
from polc.ir.protocols import PROTOCOL_NAMES
from polc.symbolic.diagram import Path
from polc.symbolic.space import STATES, TYPES, Of, Set, Space, Variable

_MOST_TO_MERGE = 4000
"""Boxes beyond which they are left as they are: merging looks at all of them again and again."""


@dataclass(frozen=True, slots=True)
class Region:
    """A box: the packets whose variables all have one of their values. ``parts`` are sorted by number."""

    space: Space
    parts: Path

    @property
    def size(self) -> int:
        """How many points of the bounded variables are in it, of all that there are, out of 2**64."""
        share = 1 << 64
        for number, values in self.parts:
            share = share * _count(values) // (self.space.variables[number].highest + 1)
        return share

    @property
    def texts(self) -> tuple[str, ...]:
        """One for each variable, such as ``saddr not 192.0.2.0/24``."""
        return tuple(described(self.space, self.space.variables[number], values) for number, values in self.parts)

    def __str__(self) -> str:
        return "; ".join(self.texts) or "any packet"


def regions(space: Space, members: Set) -> list[Region]:
    """Disjoint boxes that together are a set, the biggest first. Boxes that differ in one variable are one."""
    boxes = [path for _, path in space.manager.paths(members)]
    found = merged(boxes) if len(boxes) <= _MOST_TO_MERGE else boxes
    return sorted((Region(space, _bounded(space, one)) for one in found), key=lambda one: -one.size)


def merged(boxes: list[Path]) -> list[Path]:
    """Boxes that are equal but for the values of one variable as one, until there are none."""
    while True:
        before = len(boxes)
        variables = sorted({number for box in boxes for number, _ in box}, reverse=True)
        for variable in variables:
            groups: dict[Path, list[Intervals]] = {}
            untouched: list[Path] = []
            for box in boxes:
                rest = tuple(part for part in box if part[0] != variable)
                own = next((values for number, values in box if number == variable), None)
                if own is None:
                    untouched.append(box)
                else:
                    groups.setdefault(rest, []).append(own)
            boxes = untouched
            for rest, several in groups.items():
                together = Intervals.of(pair for values in several for pair in values.ranges)
                boxes.append(tuple(sorted((*rest, (variable, together)), key=lambda part: part[0])))
        if len(boxes) == before:
            return boxes


def _bounded(space: Space, box: Path) -> Path:
    """Without variables that may have any value."""
    return tuple(part for part in box if part[1].ranges != ((0, space.variables[part[0]].highest),))


def _count(values: Intervals) -> int:
    return sum(high - low + 1 for low, high in values.ranges)


def described(space: Space, variable: Variable, values: Intervals) -> str:
    """The values of a variable in words, what is missing instead where that is shorter."""
    rest = values.complement(0, variable.highest)
    name = called(variable)
    yes = ", ".join(_words(space, variable, values))
    if variable.highest == 1:
        return name if 1 in values else f"not {name}"
    if rest and len(rest.ranges) < len(values.ranges):
        return f"{name} not {', '.join(_words(space, variable, rest))}"
    return f"{name} {yes}"


def called(variable: Variable) -> str:
    """The name of a variable as rules have it."""
    detail = variable.detail
    match variable.of:
        case Of.FIELD:
            assert isinstance(detail, Field)
            return detail.value
        case Of.BITS:
            assert isinstance(detail, tuple)
            field, low = detail
            whole = low == 0 and variable.highest == 0xFFFFFFFF
            return field.value if whole else f"{field.value} bits {low}-{low + variable.highest.bit_length() - 1}"
        case Of.ANSWER:
            assert isinstance(detail, tuple)
            return f"{type(detail[1]).__name__.removesuffix('Match').lower()} holds"
        case Of.MEMBER:
            assert isinstance(detail, tuple)
            return f"in set {detail[0].name}"
        case Of.PROTOCOL:
            return "protocol"
        case Of.BOUND:
            return f"{Of.STATUS.value} {detail}"
        case Of.TRAIT:
            return str(getattr(detail, "value", detail))
        case Of.CT:
            return "state"
        case _:
            return variable.of.value if detail is None else f"{variable.of.value} {_flat(detail)}"


def _flat(detail: object) -> str:
    return " ".join(str(one) for one in detail if one) if isinstance(detail, tuple) else str(detail)


def _words(space: Space, variable: Variable, values: Intervals) -> Iterator[str]:
    match variable.of:
        case Of.SADDR | Of.DADDR | Of.ORIGINAL:
            for low, high in values.ranges:
                yield format_range(space.family, low, high)
        case Of.IIF | Of.OIF:
            yield from _each(values, lambda at: space.interfaces.words[at] or "none")
        case Of.CT:
            yield from _each(values, lambda at: (STATES[at].name or "").lower())
        case Of.ADDRESS_TYPE:
            yield from _each(values, lambda at: "other" if (one := TYPES[at]) is None else one.value)
        case Of.FLAGS:
            yield from _each(values, lambda at: _bits(space, FlagField.TCP_FLAGS, at, TCP_FLAG_BITS))
        case Of.STATUS:
            yield from _each(values, lambda at: _bits(space, FlagField.CT_STATUS, at, CT_STATUS_BITS))
        case Of.PROTOCOL:
            for low, high in values.ranges:
                yield PROTOCOL_NAMES.get(low, str(low)) if low == high else f"{low}-{high}"
        case _:
            for low, high in values.ranges:
                yield str(low) if low == high else f"{low}-{high}"


def _each(values: Intervals, word: Callable[[int], str]) -> Iterator[str]:
    for low, high in values.ranges:
        for at in range(low, high + 1):
            yield word(at)


def _bits(space: Space, field: FlagField, at: int, names: dict[str, int]) -> str:
    value = space.flags[field].values[at]
    return "+".join(name for name, bit in names.items() if value & bit) or "none"
