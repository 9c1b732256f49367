"""Statements as libnftables' JSON (libnftables-json(5), STATEMENTS)."""

from __future__ import annotations

from typing import assert_never

from polc.backends.nft.expressions import (
    Bound,
    Flags,
    Lookup,
    Replaced,
    RouteMtu,
    Row,
    SetReference,
    TwoMarks,
)
from polc.backends.nft.json_expressions import address_range, left, right, row, values
from polc.backends.nft.json_value import Json
from polc.backends.nft.statements import (
    AddFlow,
    Assign,
    Assigned,
    ByteQuota,
    Call,
    Compare,
    ConnectionCount,
    CopyTo,
    Count,
    Decide,
    Handshake,
    LogLine,
    Meter,
    QueueTo,
    RateLimit,
    RejectWith,
    ResetOption,
    RuleStatement,
    SetElement,
    ToSocket,
    Translate,
    TranslateBy,
    UseObject,
    Verbatim,
    Word,
)
from polc.ir.fields import TCP_OPTION_KINDS

_OPTION_NAMES = {kind: name for name, kind in TCP_OPTION_KINDS.items()}


def statement(one: RuleStatement) -> Json:
    match one:
        case Compare():
            return {"match": _compare(one)}
        case RateLimit():
            return {"limit": limit(one)}
        case ConnectionCount(count, over):
            return _bound("ct count", {"val": count}, over)
        case ByteQuota(size, over):
            return _bound("quota", {"val": size, "val_unit": "bytes"}, over)
        case Meter(name, size, key, timeout, kept):
            element = left(key)
            timed: Json = element if timeout is None else {"elem": {"val": element, "timeout": timeout}}
            return {"meter": {"name": name, "size": size, "key": timed, "stmt": statement(kept)}}
        case SetElement():
            return {"set": _element(one)}
        case Count(name, packets, size):
            return {"counter": {"packets": packets, "bytes": size} if packets or size else name}
        case LogLine():
            return {"log": _log(one)}
        case UseObject(kind, name):
            return {kind.value: name}
        case AddFlow(name):
            return {"flow": {"op": "add", "flowtable": f"@{name}"}}
        case RejectWith(type, code):
            return {"reject": {"type": type, "expr": code} if code else {"type": type}}
        case Word():
            return {one.value: None}
        case Call(word, chain):
            return {word: {"target": chain}}
        case Decide(key, pairs):
            return {"vmap": {"key": left(key), "data": _data(pairs)}}
        case Translate():
            return {one.word: _translation(one)}
        case TranslateBy():
            return {one.word: _translation_by(one)}
        case Assign(field, value):
            return {"mangle": {"key": left(field), "value": _value(value)}}
        case ToSocket(family, address, port):
            to: dict[str, Json] = {} if family is None else {"family": family.value, "addr": address}
            return {"tproxy": to if port is None else {**to, "port": port}}
        case Handshake(mss, wscale, flags):
            proxy: dict[str, Json] = {"mss": mss, "wscale": wscale}
            return {"synproxy": {**proxy, "flags": [*flags]} if flags else proxy}
        case CopyTo(address, device):
            return {"dup": {"addr": address, "dev": device} if device else {"addr": address}}
        case ResetOption(kind):
            named: Json = {"name": _OPTION_NAMES[kind]} if kind in _OPTION_NAMES else _raw_option(kind)
            return {"reset": {"tcp option": named}}
        case QueueTo(numbers, flags):
            queue: dict[str, Json] = {"num": right(numbers)}
            return {"queue": {**queue, "flags": [*flags]} if flags else queue}
        case Verbatim():
            raise AssertionError("several statements, which stand in a rule alone")
        case _:
            assert_never(one)


def limit(one: RateLimit) -> dict[str, Json]:
    over: dict[str, Json] = {"inv": True} if one.over else {}
    if one.bytes:
        over |= {"rate_unit": "bytes", "burst_unit": "bytes"}
    return {"rate": one.count, "burst": one.burst, "per": one.unit, **over}


def mapped(pairs: tuple[tuple[Row, Row | Word | Call], ...]) -> list[Json]:
    """The elements of a map: rows of keys, each with the row or the verdict that it leads to."""
    return [[row(key), row(value) if isinstance(value, tuple) else statement(value)] for key, value in pairs]


def _data(pairs: tuple[tuple[Row, Row | Word | Call], ...] | SetReference) -> Json:
    return right(pairs) if isinstance(pairs, SetReference) else {"set": mapped(pairs)}


def _lookup(lookup: Lookup) -> Json:
    return {"map": {"key": left(lookup.key), "data": _data(lookup.pairs)}}


def _bound(kind: str, value: dict[str, Json], over: bool) -> Json:
    return {kind: {**value, "inv": True} if over else value}


def _raw_option(kind: int) -> Json:
    """An option that nft has no name for (its own listing of one)."""
    return {"base": kind, "offset": 0, "len": 8}


def _value(value: Assigned) -> Json:
    match value:
        case int():
            return value
        case Replaced():
            kept: Json = left(value.field) if value.keeps_all else {"&": [left(value.field), value.mask]}
            return {value.word: [kept, value.value]}
        case TwoMarks(field, mask, other, other_mask):
            return {"^": [{"&": [left(field), mask]}, {"&": [left(other), other_mask]}]}
        case RouteMtu():
            return {"rt": {"key": "mtu"}}
        case Lookup():
            return _lookup(value)
        case _:
            return left(value)


def _compare(compare: Compare) -> Json:
    op = "!=" if compare.negated else "=="
    match compare.right:
        case Bound(word):
            op = word
        case Flags() if not compare.negated:
            op = "in"
        case _:
            pass
    return {"op": op, "left": left(compare.left), "right": right(compare.right)}


def _element(element: SetElement) -> dict[str, Json]:
    key = left(element.key)
    value: Json = key if element.timeout is None else {"elem": {"val": key, "timeout": element.timeout}}
    found: dict[str, Json] = {"op": element.operation.value, "elem": value, "set": f"@{element.set_name}"}
    return found if element.limit is None else {**found, "stmt": [statement(element.limit)]}


def _log(line: LogLine) -> dict[str, Json]:
    found: dict[str, Json] = {"prefix": line.prefix} if line.prefix else {}
    found |= {"level": line.level} if line.group is None else {"group": line.group}
    if line.snaplen is not None:
        found["snaplen"] = line.snaplen
    if line.queue_threshold is not None:
        found["queue-threshold"] = line.queue_threshold
    if line.flags:
        found["flags"] = [*line.flags]
    return found


def _translation(nat: Translate) -> Json:
    found: dict[str, Json] = {}
    if nat.addresses is not None:
        family = nat.addresses.family
        ((low, high),) = nat.addresses.values.ranges
        # A range even where it is a prefix: prefixes in nat statements came with nft 0.9.5, as another thing (netmap).
        found = {"family": family.value, "addr": address_range(family, low, high)}
        if nat.prefix:
            (prefix,) = values(nat.addresses)
            found |= {"addr": prefix, "flags": "netmap", "type_flags": "prefix"}
    if nat.ports is not None:
        found["port"] = right(nat.ports)
    if nat.flags:
        found["flags"] = [*nat.flags]
    return found or None


def _translation_by(nat: TranslateBy) -> Json:
    family: dict[str, Json] = {} if nat.family is None else {"family": nat.family.value}
    found = {**family, "port" if nat.family is None else "addr": _lookup(nat.lookup)}
    if nat.ports and nat.family is not None:
        found["type_flags"] = "concat"
    return {**found, "flags": [*nat.flags]} if nat.flags else found
