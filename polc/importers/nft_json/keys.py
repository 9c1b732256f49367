"""Keys of sets and maps, and their elements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeGuard

from polc.importers.nft_json import subjects as read
from polc.importers.nft_json.demands import ANY, NOTHING, Condition, Demand, Transport
from polc.importers.nft_json.json_value import Json, Object
from polc.importers.nft_json.problems import Unknown
from polc.importers.nft_json.subjects import subject
from polc.importers.nft_json.values import (
    ADDRESS,
    CATCH_ALL,
    MARK,
    PORT,
    PROTOCOL,
    STATE,
    Kind,
    field_kind,
    interface,
    pairs,
)
from polc.ir.family import BOTH, Family
from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import Intervals
from polc.ir.protocols import PORT_PROTOCOLS
from polc.ir.selectors import Conntrack, Element, KeyType, KeyValue, Selector, key_type
from polc.ir.selectors import Transport as TransportPart

Kinds = tuple[Kind | None, ...]
"""The types of the parts of an element; None: names of interfaces."""

KIND_OF_TYPE: dict[KeyType, Kind | None] = {
    KeyType.IPV4_ADDR: ADDRESS[Family.IP],
    KeyType.IPV6_ADDR: ADDRESS[Family.IP6],
    KeyType.INET_SERVICE: PORT,
    KeyType.INET_PROTO: PROTOCOL,
    KeyType.IFNAME: None,
    KeyType.CT_STATE: STATE,
    KeyType.MARK: MARK,
    KeyType.ETHER_ADDR: field_kind(Field.ETHER_SADDR),
}


@dataclass(frozen=True, slots=True)
class Key:
    """Parts of a packet to look up together; ``demand`` is what a packet has to be to have all of them."""

    selectors: tuple[Selector, ...]
    kinds: Kinds
    demand: Demand
    family: Family | None

    def types(self) -> tuple[KeyType | None, ...]:
        """The types that a named set of such keys has."""
        return tuple(key_type(one, self.family or Family.IP) for one in self.selectors)


def key(value: Json) -> Key:
    """Raises:
    Unknown: a part cannot be one of a key.
    """
    match value:
        case {"concat": list(parts), **rest} if not rest and len(parts) > 1:
            subjects = [subject(one) for one in parts]
        case _:
            subjects = [subject(value)]
    found = [_part(one) for one in subjects]
    demand = NOTHING
    for _, _, one in found:
        demand = demand.beside(one)
    families = {one.family for one in subjects if isinstance(one, read.Address)}
    if len(families) > 1:
        raise Unknown("addresses of both families in one key")
    return Key(
        tuple(selector for selector, _, _ in found),
        tuple(kind for _, kind, _ in found),
        demand,
        next(iter(families), None),
    )


def asked(key: Key, found: Iterable[Element]) -> Demand:
    """What a packet has to be for one of the elements.

    Ports beside a protocol are those of a protocol that has them, where the elements say so.
    """
    if key.demand.condition is not Condition.PORTS or TransportPart.PROTOCOL not in key.selectors:
        return key.demand
    place = key.selectors.index(TransportPart.PROTOCOL)
    protocols = [one[place] for one in found]
    if all(isinstance(one, Intervals) and Transport(one).among(PORT_PROTOCOLS) for one in protocols):
        return replace(key.demand, condition=None)
    return key.demand


def _part(what: read.Subject) -> tuple[Selector, Kind | None, Demand]:
    match what:
        case read.Address(side, family):
            return side, ADDRESS[family], Demand(families=frozenset({family}))
        case read.Port(source, protocol):
            return (
                TransportPart.SPORT if source else TransportPart.DPORT,
                PORT,
                Demand(
                    transport=ANY if protocol is None else Transport.of(protocol),
                    condition=Condition.PORTS if protocol is None else None,
                ),
            )
        case read.Protocol(None):
            return TransportPart.PROTOCOL, PROTOCOL, NOTHING
        case read.Interface(direction, index=False):
            return direction, None, NOTHING
        case read.State():
            return Conntrack.STATE, STATE, NOTHING
        case read.Number(field):
            fact = FIELDS[field]
            families = BOTH if fact.family is None else frozenset({fact.family})
            transport = ANY if fact.protocol is None else Transport.of(fact.protocol)
            return field, field_kind(field), Demand(families=families, transport=transport)
        case _:
            raise Unknown("a key of a part of a packet that polc has no sets of")


def elements(values: list[Json], kinds: Kinds) -> tuple[Element, ...]:
    """Elements of a set. Those of one number or address are one element, of all that is in the set.

    Raises:
        Unknown: something among them is no such element.
    """
    match kinds:
        case (None,):
            return tuple((interface(one),) for one in values)
        case (Kind() as kind,):
            return ((Intervals.of(pair for one in values for pair in pairs(one, kind)),),) if values else ()
        case _:
            return tuple(element(one, kinds) for one in values)


def element(value: Json, kinds: Kinds) -> Element:
    """One element, as of a map.

    Raises:
        Unknown: it is none of these types.
    """
    match value:
        case {"elem": {"val": inner, **details}, **rest} if not rest and not details:
            return element(inner, kinds)
        case _ if len(kinds) == 1:
            return (_cell(value, kinds[0]),)
        case {"concat": list(cells), **rest} if not rest and len(cells) == len(kinds):
            return tuple(_cell(cell, kind) for cell, kind in zip(cells, kinds, strict=True))
        case _:
            raise Unknown("an element with another number of parts than its key")


def _cell(value: Json, kind: Kind | None) -> KeyValue:
    return interface(value) if kind is None else Intervals.of(pairs(value, kind))


def bare(value: Json) -> tuple[Json, Object]:
    """An element of a named set, and what else is said of it: a comment, a time, a counter."""
    match value:
        case {"elem": {"val": inner, **details}, **rest} if not rest:
            return inner, {str(name): one for name, one in details.items() if _is_json(one)}
        case _:
            return value, {}


def _is_json(value: object) -> TypeGuard[Json]:
    return value is None or isinstance(value, bool | int | float | str | list | dict)


def rows(value: Json) -> list[tuple[Json, Json]]:
    """The pairs of a map.

    Raises:
        Unknown: it is no list of pairs.
    """
    found = []
    for one in value if isinstance(value, list) else [None]:
        if not isinstance(one, list) or len(one) != 2:
            raise Unknown("a map that is no list of pairs")
        found.append((one[0], one[1]))
    return found


def is_catch_all(value: Json) -> bool:
    return bare(value)[0] == CATCH_ALL
