"""One packet of a set, in the IR's terms: what it is, and what it presumes that only memory knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from polc.ir.addresses import format_address
from polc.ir.family import Family
from polc.ir.fields import TCP_FLAG_BITS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import AddressType, CtState, FlagField, Match, NameField, Trait
from polc.ir.protocols import ICMP_FAMILY, PORT_PROTOCOLS, PROTOCOL_NAMES, TCP
from polc.ir.selectors import Selector
from polc.symbolic.diagram import NONE
from polc.symbolic.segments import sent_as
from polc.symbolic.space import NAT_STATUS, NEW, OPTIONAL, STATES, TYPES, Of, Set, Space, Variable

Point = dict[int, int]
"""A value for each variable, by number."""

Choose = Callable[[Variable, Intervals, Mapping[int, int]], int]
"""One of the values of a variable, given those of the ones before it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a stateful match answers the ``turn``th time, from 0, that the packet asks for its ``state``: whether
    ``match``, with ``over`` and ``negated`` False, holds.
    """

    state: object
    match: Match
    turn: int
    holds: bool


@dataclass(frozen=True, slots=True)
class Member:
    """Whether the packet's ``key`` is in a named set."""

    set_name: str
    key: tuple[Selector, ...]
    holds: bool


@dataclass(frozen=True, slots=True)
class Witness:
    """A packet as it is at a hook. Interfaces are empty where there is none; ports are None where there are none.

    ``status``, ``ct_fields`` and ``helper`` are of the packet's flow; ``fields`` and ``ct_fields`` are those that rules
    ask for, None where the packet does not have one. ``original`` has addresses of the flow, by (``original`` or
    ``reply``, side). ``routes``: whether a route leads back (``strict``, ``loose``); ``types``: of addresses, by (side,
    interface). ``others`` are variables of which only this engine knows;
    ``point`` is the point of its space.
    """

    family: Family
    protocol: int
    saddr: int
    daddr: int
    iif: str = ""
    oif: str = ""
    sport: int | None = None
    dport: int | None = None
    type: int = 0
    code: int = 0
    flags: int = 0
    fragment: bool = False
    state: CtState = CtState.NEW
    status: int | None = None
    mark: int = 0
    ct_mark: int | None = None
    realm: int = 0
    owned: bool = False
    fields: tuple[tuple[Field, int | None], ...] = ()
    options: frozenset[int] = frozenset()
    headers: frozenset[str] = frozenset()
    traits: frozenset[Trait] = frozenset()
    helper: str = ""
    system: str = ""
    original: tuple[tuple[tuple[str, str], int], ...] = ()
    routes: tuple[tuple[str, bool], ...] = ()
    types: tuple[tuple[tuple[str, str | None], AddressType | None], ...] = ()
    answers: tuple[Answer, ...] = ()
    members: tuple[Member, ...] = ()
    others: tuple[tuple[str, int], ...] = ()
    point: tuple[tuple[int, int], ...] = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        source, destination = (format_address(self.family, one) for one in (self.saddr, self.daddr))
        if self.sport is not None:
            six = self.family is Family.IP6
            source, destination = (
                f"[{address}]:{port}" if six else f"{address}:{port}"
                for address, port in ((source, self.sport), (destination, self.dport))
            )
        words = [PROTOCOL_NAMES.get(self.protocol, str(self.protocol)), source, "->", destination]
        words += [f"in {self.iif}"] if self.iif else []
        words += [f"out {self.oif}"] if self.oif else []
        if self.protocol in ICMP_FAMILY and not self.fragment:
            words.append(f"type {self.type} code {self.code}")
        if self.protocol == TCP and not self.fragment:
            names = ",".join(name for name, bit in TCP_FLAG_BITS.items() if self.flags & bit)
            words.append(f"flags {names or 'none'}")
        words += ["fragment"] if self.fragment else []
        words.append(f"state {(self.state.name or '').lower()}")
        words += [f"mark {self.mark:#x}"] if self.mark else []
        words += [f"ct-mark {self.ct_mark:#x}"] if self.ct_mark else []
        words += [f"{one.value} {'none' if value is None else value}" for one, value in self.fields]
        words += [f"{trait.value}" for trait in sorted(self.traits, key=str)]
        words += [f"{'in' if one.holds else 'not in'} set {one.set_name}" for one in self.members]
        return " ".join(words)


def pick(space: Space, members: Set, choose: Choose | None = None) -> Point | None:
    """A point of a set, with a value for every variable; None: the set is empty. What a person would expect, where
    the set lets it be, or what ``choose`` says.
    """
    manager, node = space.manager, members
    if node == NONE:
        return None
    point: Point = {}
    choose = choose or usual(space)
    for variable in space.variables:
        values = Intervals(((0, variable.highest),))
        here = manager.asks(node) == variable.number
        branches = manager.branches(node) if here else []
        if here:
            values = Intervals.of(pair for child, some in branches if child != NONE for pair in some.ranges)
        point[variable.number] = choose(variable, values, point)
        if here:
            node = next(child for child, some in branches if point[variable.number] in some)
    return point


_USUAL_ADDRESSES = {
    Family.IP: {Of.SADDR: 0xC6336409, Of.DADDR: 0xCB007105},  # 198.51.100.9, 203.0.113.5 (RFC 5737)
    Family.IP6: {Of.SADDR: 0x20010DB8 << 96 | 9, Of.DADDR: 0x20010DB8 << 96 | 5 << 64 | 5},  # RFC 3849
}
_UNICAST = {
    Family.IP: Intervals(((1 << 24, (127 << 24) - 1), (128 << 24, (224 << 24) - 1))),
    Family.IP6: Intervals(((1 << 125, (1 << 126) - 1), (0xFC << 120, (0xFE << 120) - 1))),
}


def usual(space: Space) -> Choose:
    """Prefers a first TCP segment between addresses for documentation, and zeros."""

    def choose(variable: Variable, values: Intervals, point: Mapping[int, int]) -> int:
        for value in _wanted(space, variable, point):
            if value in values:
                return value
        if variable.of in (Of.SADDR, Of.DADDR):
            unicast = _common(values, _UNICAST[space.family])
            low, high = (unicast or values).ranges[0]
            return min(low + 1, high)
        if variable.of in (Of.DPORT, Of.SPORT):
            return max(values.ranges[0][0], 1) if values.ranges[0][1] else values.ranges[-1][0]
        return values.ranges[0][0]

    return choose


def _common(one: Intervals, other: Intervals) -> Intervals:
    found = [
        (max(low, start), min(high, end))
        for low, high in one.ranges
        for start, end in other.ranges
        if max(low, start) <= min(high, end)
    ]
    return Intervals.of(found)


def _wanted(space: Space, variable: Variable, point: Mapping[int, int]) -> tuple[int, ...]:
    match variable.of:
        case Of.IIF | Of.OIF:
            return tuple(range(1, variable.highest + 1))
        case Of.CT:
            return (NEW, 1)
        case Of.PROTOCOL:
            return (TCP, 17, *ICMP_FAMILY)
        case Of.SADDR | Of.DADDR:
            return (_USUAL_ADDRESSES[space.family][variable.of],)
        case Of.FLAGS:
            place = space.flags[FlagField.TCP_FLAGS].place
            first = point.get(space.variable(Of.CT).number) == NEW
            return (place[0x02], place[0x10]) if first else (place[0x10], place[0x02])
        case Of.ORIGINAL:
            assert isinstance(variable.detail, tuple)
            direction, side = variable.detail
            own = Of.SADDR if (direction == "reply") is not (side == Of.SADDR.value) else Of.DADDR
            return (point.get(space.variable(own).number, 0),)
        case Of.OWNER:
            # What the host sends comes from a socket.
            return (0,) if point.get(space.variable(Of.IIF).number) else (1, 0)
        case Of.SPORT:
            return (40000,)
        case Of.DPORT:
            return (80,)
        case Of.TYPE:
            return (8, 128)
        case Of.SYSTEM:
            return (variable.highest,)
        case Of.FIELD if variable.detail in _OF_FIRST:
            # A number that is the packet's own in the first one of a flow.
            return (point.get(space.variable(_OF_FIRST[variable.detail]).number, 0),)
        case Of.FIELD:
            return _USUAL_FIELDS.get(variable.detail, (variable.highest if variable.detail in OPTIONAL else 0,))
        case _:
            return (0,)


_OF_FIRST: dict[object, Of] = {
    Field.CT_ORIGINAL_SPORT: Of.SPORT,
    Field.CT_ORIGINAL_DPORT: Of.DPORT,
    Field.CT_ORIGINAL_PROTOCOL: Of.PROTOCOL,
    Field.CT_REPLY_SPORT: Of.DPORT,
    Field.CT_REPLY_DPORT: Of.SPORT,
}
_USUAL_FIELDS: dict[object, tuple[int, ...]] = {
    Field.TTL: (64,),
    Field.HOPLIMIT: (64,),
    Field.META_LENGTH: (60,),
    Field.CT_PACKETS: (1,),
    Field.CT_ORIGINAL_PACKETS: (1,),
    Field.ETHER_SADDR: (0x02_00_5E_10_00_01,),
    Field.ETHER_DADDR: (0x02_00_5E_10_00_02,),
}


def witness_of(space: Space, point: Mapping[int, int]) -> Witness:
    """The packet that a point is."""
    return Witness(**_Reader(space, point).read())  # type: ignore[arg-type]


class _Reader:
    def __init__(self, space: Space, point: Mapping[int, int]) -> None:
        self.space = space
        self.point = point

    def of(self, of: Of) -> int:
        return self.point.get(self.space.variable(of).number, 0)

    def details(self, of: Of) -> list[tuple[Variable, int]]:
        return [(one, self.point.get(one.number, 0)) for one in self.space.variables if one.of is of]

    def read(self) -> dict[str, object]:
        space = self.space
        protocol, fragment = self.of(Of.PROTOCOL), bool(self.of(Of.FRAGMENT))
        ports = protocol in PORT_PROTOCOLS and not fragment
        state = STATES[self.of(Of.CT)]
        flow = state in (CtState.NEW, CtState.ESTABLISHED, CtState.RELATED)
        has_ct_mark = flow and any(one.detail[0] is Field.CT_MARK for one, _ in self.details(Of.BITS))  # type: ignore[index]
        return {
            "family": space.family,
            "protocol": protocol,
            "saddr": self.of(Of.SADDR),
            "daddr": self.of(Of.DADDR),
            "iif": space.interfaces.words[self.of(Of.IIF)],
            "oif": space.interfaces.words[self.of(Of.OIF)],
            "sport": self.of(Of.SPORT) if ports else None,
            "dport": self.of(Of.DPORT) if ports else None,
            "type": self.of(Of.TYPE),
            "code": self.of(Of.CODE),
            "flags": sent_as(space.flags[FlagField.TCP_FLAGS], self.of(Of.FLAGS)),
            "fragment": fragment,
            "state": state,
            "status": self.status() if flow else None,
            "mark": self.bits(Field.META_MARK),
            "ct_mark": self.bits(Field.CT_MARK) if has_ct_mark else None,
            "realm": self.bits(Field.META_RTCLASSID),
            "owned": any(value for _, value in self.details(Of.OWNER)),
            "fields": tuple((_field(one), _value(one, value)) for one, value in self.details(Of.FIELD)),
            "options": frozenset(one.detail for one, value in self.details(Of.OPTION) if value),
            "headers": frozenset(one.detail for one, value in self.details(Of.HEADER) if value),
            "traits": frozenset(one.detail for one, value in self.details(Of.TRAIT) if value),
            "helper": self.name(Of.HELPER, NameField.CT_HELPER) if flow else "",
            "system": self.name(Of.SYSTEM, NameField.OSF_NAME),
            "original": tuple((one.detail, value) for one, value in self.details(Of.ORIGINAL)),
            "routes": tuple((one.detail, bool(value)) for one, value in self.details(Of.ROUTE)),
            "types": tuple((one.detail, TYPES[value]) for one, value in self.details(Of.ADDRESS_TYPE)),
            "answers": tuple(_answer(one.detail, value) for one, value in self.details(Of.ANSWER)),
            "members": tuple(_member(one.detail, value) for one, value in self.details(Of.MEMBER)),
            "point": tuple(sorted(self.point.items())),
            "others": tuple((str(one), value) for one, value in self.details(Of.LATE)),
        }

    def status(self) -> int | None:
        if not self.space.has(Of.STATUS):
            return None
        bound = {one.detail for one, value in self.details(Of.BOUND) if value}
        others = self.space.flags[FlagField.CT_STATUS].values[self.of(Of.STATUS)]
        return others + sum(bit for name, bit in NAT_STATUS if name in bound)

    def bits(self, field: Field) -> int:
        return sum(
            value << one.detail[1]  # type: ignore[index]
            for one, value in self.details(Of.BITS)
            if one.detail[0] is field  # type: ignore[index]
        )

    def name(self, of: Of, field: NameField) -> str:
        return self.space.names[field].words[self.of(of)] if self.space.has(of) else ""


def _answer(detail: object, value: int) -> Answer:
    assert isinstance(detail, tuple)
    state, match, turn = detail
    return Answer(state, match, turn, bool(value))


def _member(detail: object, value: int) -> Member:
    assert isinstance(detail, tuple)
    name, key = detail
    return Member(name.name, key, bool(value))


def _field(variable: Variable) -> Field:
    assert isinstance(variable.detail, Field)
    return variable.detail


def _value(variable: Variable, value: int) -> int | None:
    return None if variable.detail in OPTIONAL and value == variable.highest else value
