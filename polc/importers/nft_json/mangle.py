"""``LEFT set VALUE``: changes of a packet and of its flow."""

from __future__ import annotations

from dataclasses import dataclass, replace

from polc.importers.nft_json import subjects as read
from polc.importers.nft_json.context import Context
from polc.importers.nft_json.demands import Demand
from polc.importers.nft_json.json_value import Json, number
from polc.importers.nft_json.keys import asked, element, key, rows
from polc.importers.nft_json.pieces import Effect
from polc.importers.nft_json.problems import Malformed, Unknown
from polc.importers.nft_json.subjects import Subject, subject
from polc.importers.nft_json.values import CATCH_ALL, MARK, field_kind
from polc.ir.fields import FIELDS, Field
from polc.ir.statements import (
    AssignZone,
    ClampMss,
    CopyMark,
    CtDirection,
    MapMark,
    MarkField,
    SetDscp,
    SetHops,
    SetMark,
    SetPriority,
    Statement,
    Trace,
)

_MARKS = {Field.META_MARK: MarkField.META, Field.CT_MARK: MarkField.CT}
_DSCP = (Field.IP_DSCP, Field.IP6_DSCP)
_HOPS = (Field.TTL, Field.HOPLIMIT)
_WHOLE = 0xFFFFFFFF


def mangle(value: Json, context: Context) -> Effect:
    """``{"mangle": value}``.

    Raises:
        Malformed: it is no such statement.
        Unknown: the IR has no words for it.
    """
    if not isinstance(value, dict) or value.keys() != {"key", "value"}:
        raise Malformed("a mangle statement has a `key` and a `value`")
    left, right = value["key"], value["value"]
    match left:
        case {"meta": {"key": "nftrace"}} if number(right) == 1:
            return Effect(Trace())
        case {"ct": {"key": "zone", **rest}} if not rest:
            return Effect(_zone(None, right))
        case {"ct": {"key": "zone", "dir": "original" | "reply" as way, **rest}} if not rest:
            return Effect(_zone(CtDirection(way), right))
        case _:
            return _field(subject(left), right, context)


def _zone(way: CtDirection | None, right: Json) -> AssignZone:
    zone = number(right)
    if zone is None or not 0 <= zone <= 0xFFFF:
        raise Unknown("a zone that is no number")
    return AssignZone(zone, way)


def _field(what: Subject, right: Json, context: Context) -> Effect:
    match what:
        case read.Number(Field.META_MARK | Field.CT_MARK as field):
            return _mark(_MARKS[field], right, context)
        case read.Number(Field.META_PRIORITY as field):
            return Effect(SetPriority(field_kind(field).number(right)))
        case read.Number(Field.TCP_MSS):
            # Only where the rule asks for a SYN; see `rules.py`.
            return Effect(_clamp(right))
        case read.Number(field) if field in _DSCP:
            return _of_family(SetDscp(field_kind(field).number(right)), field)
        case read.Number(field) if field in _HOPS:
            return _of_family(SetHops(field_kind(field).number(right)), field)
        case _:
            raise Unknown("a change of this part of a packet")


def _of_family(statement: Statement, field: Field) -> Effect:
    family = FIELDS[field].family
    assert family is not None
    return Effect(statement, Demand(families=frozenset({family})))


def _clamp(right: Json) -> ClampMss:
    match right:
        case {"rt": {"key": "mtu", **rest}} if not rest:
            return ClampMss()
        case _:
            return ClampMss(field_kind(Field.TCP_MSS).number(right))


@dataclass(frozen=True, slots=True)
class _Bits:
    """``source & keep ^ toggle``; ``source`` None: a number, which is ``toggle``."""

    source: MarkField | None
    keep: int
    toggle: int


def _mark(to: MarkField, right: Json, context: Context) -> Effect:
    match right:
        case {"map": {"key": lookup, "data": data, **rest}} if not rest:
            return _map(to, lookup, data, context)
        case {"|": [left, other]} if (pair := _two(to, left, other)) is not None:
            return Effect(pair)
        case _:
            found = _bits(right)
    match found:
        case _Bits(None, _, value):
            return Effect(SetMark(to, value))
        case _Bits(source, keep, toggle) if source is to:
            return Effect(SetMark(to, toggle, _WHOLE & ~keep))
        case _Bits(_, keep, 0):
            return Effect(CopyMark(to, _WHOLE, None if keep == _WHOLE else keep))
        case _:
            raise Unknown("bits of one mark beside a number in the other")


def _two(to: MarkField, left: Json, other: Json) -> CopyMark | None:
    """``to & mask | from & other mask``, where the masks have no bit in common: what a copy of some bits is."""
    try:
        one, two = _bits(left), _bits(other)
    except Unknown:
        return None
    if one.source is None or two.source is None or one.source is two.source or one.toggle or two.toggle:
        return None
    own, copied = (one, two) if one.source is to else (two, one)
    if own.keep & copied.keep:
        return None
    return CopyMark(to, _WHOLE & ~own.keep, copied.keep)


def _bits(value: Json) -> _Bits:
    """A tree of bit operations on one mark.

    Raises:
        Unknown: there is something else in it.
    """
    if not isinstance(value, dict):
        return _Bits(None, 0, MARK.number(value))
    ((word, inside),) = value.items() if len(value) == 1 else (("", None),)
    if word in ("&", "|", "^") and isinstance(inside, list) and len(inside) > 1:
        found = _bits(inside[0])
        for one in inside[1:]:
            found = _changed(found, word, MARK.number(one))
        return found
    match subject(value):
        case read.Number(Field.META_MARK | Field.CT_MARK as field):
            return _Bits(_MARKS[field], _WHOLE, 0)
        case _:
            raise Unknown("a mark from another part of a packet")


def _changed(bits: _Bits, word: str, number: int) -> _Bits:
    match word:
        case "&":
            return replace(bits, keep=bits.keep & number, toggle=bits.toggle & number)
        case "|":
            return replace(bits, keep=bits.keep & ~number, toggle=bits.toggle | number)
        case _:
            return replace(bits, toggle=bits.toggle ^ number)


def _map(to: MarkField, lookup: Json, data: Json, context: Context) -> Effect:
    found = key(lookup)
    pairs = [(element(one, found.kinds), MARK.number(mark)) for one, mark in table_rows(data, context)]
    return Effect(MapMark(to, found.selectors, tuple(pairs)), asked(found, (one for one, _ in pairs)))


def table_rows(data: Json, context: Context) -> list[tuple[Json, Json]]:
    """The pairs of an anonymous map, or of a named one that does not change.

    Raises:
        Malformed: there is no such map.
        Unknown: it changes, or has something for everything else.
    """
    match data:
        case {"set": inside, **rest} if not rest:
            found = rows(inside)
        case str() if data.startswith("@"):
            found = rows(context.inline(data))
        case _:
            raise Unknown("a map in another form")
    if any(one == CATCH_ALL for one, _ in found):
        raise Unknown("an element that is everything else")
    return found
