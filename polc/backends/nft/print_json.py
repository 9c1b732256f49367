"""A table as commands of libnftables' JSON (libnftables-json(5)), schema version 1."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import assert_never

from polc.backends.nft.definitions import ChainDefinition, RuleDefinition, SetDefinition, TableDefinition
from polc.backends.nft.expressions import (
    Addresses,
    AtLeast,
    Bits,
    Concat,
    Ct,
    CtState,
    Exists,
    Fib,
    Field,
    Fingerprint,
    Flags,
    Fragment,
    Hardware,
    Left,
    Masked,
    Meta,
    Mixed,
    Names,
    Numbers,
    Payload,
    Protocol,
    Replaced,
    Right,
    RouteMtu,
    SetReference,
    Socket,
    TcpOption,
    TcpOptionKind,
    Turn,
    WholeSeconds,
    Words,
)
from polc.backends.nft.hardware import format_mac
from polc.backends.nft.json_value import Json
from polc.backends.nft.keys import mask
from polc.backends.nft.statements import (
    Assign,
    ByteQuota,
    Call,
    Compare,
    ConnectionCount,
    Count,
    Handshake,
    LogLine,
    Meter,
    RateLimit,
    RejectWith,
    RuleStatement,
    SetElement,
    ToSocket,
    Translate,
    UseHelper,
    Verbatim,
    Word,
)
from polc.ir.addresses import format_address, prefix_length
from polc.ir.family import Family


def print_json(table: TableDefinition) -> str:
    """The commands that replace the table as a whole, one a line, in one transaction.

    ``add`` before ``delete`` makes the deletion succeed where there is no table yet; ``destroy`` would
    need nft 1.0.8 and kernel 6.3.
    """
    whole: Json = {"family": "inet", "name": table.name}
    commands: list[Json] = [{"metainfo": {"json_schema_version": 1}}]
    commands += [{"add": {"table": whole}}, {"delete": {"table": whole}}, {"add": {"table": whole}}]
    commands += ({"add": one} for one in _definitions(table))
    lines = ",\n".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in commands)
    return f'{{"nftables":[\n{lines}\n]}}\n'


def _definitions(table: TableDefinition) -> Iterator[Json]:
    place: dict[str, Json] = {"family": "inet", "table": table.name}
    for counter in table.counters:
        yield {"counter": {**place, "name": counter.name}}
    for helper in table.helpers:
        yield {"ct helper": {**place, "name": helper.name, "type": helper.type, "protocol": helper.protocol}}
    for one in table.sets:
        yield {"set": {**place, **_set(one)}}
    # All chains before any rule: a rule may jump to a chain that stands later.
    for chain in table.chains:
        yield {"chain": {**place, **_chain(chain)}}
    for chain in table.chains:
        for rule in chain.rules:
            yield {"rule": {**place, "chain": chain.name, **_rule(rule)}}


def _set(one: SetDefinition) -> dict[str, Json]:
    kind: Json = one.types[0] if len(one.types) == 1 else [*one.types]
    # Not `dynamic`: JSON of nft before 1.1 refuses that flag, and adds it itself to what a rule updates.
    found: dict[str, Json] = {"name": one.name, "type": kind, "size": one.size}
    if one.timed:
        found["flags"] = ["timeout"]
    return found if one.timeout is None else {**found, "timeout": one.timeout}


def _chain(chain: ChainDefinition) -> dict[str, Json]:
    if chain.hook is None:
        return {"name": chain.name}
    hook = chain.hook
    return {"name": chain.name, "type": hook.type, "hook": hook.hook, "prio": hook.priority, "policy": hook.policy}


def _rule(rule: RuleDefinition) -> dict[str, Json]:
    comment: dict[str, Json] = {"comment": rule.comment} if rule.comment else {}
    expressions: list[Json] = []
    for one in rule.statements:
        if isinstance(one, Verbatim):
            expressions += json.loads(one.json)
        else:
            expressions.append(_statement(one))
    return {**comment, "expr": expressions}


def _statement(statement: RuleStatement) -> Json:
    match statement:
        case Compare():
            return {"match": _compare(statement)}
        case RateLimit():
            return _limit(statement)
        case ConnectionCount(count, over):
            return _bound("ct count", {"val": count}, over)
        case ByteQuota(size, over):
            return _bound("quota", {"val": size, "val_unit": "bytes"}, over)
        case Meter(name, size, key, timeout, limit):
            element = _left(key)
            kept: Json = element if timeout is None else {"elem": {"val": element, "timeout": timeout}}
            return {"meter": {"name": name, "size": size, "key": kept, "stmt": _statement(limit)}}
        case SetElement():
            return {"set": _element(statement)}
        case Count(name):
            return {"counter": name}
        case LogLine(prefix, level, group):
            where: dict[str, Json] = {"level": level} if group is None else {"group": group}
            return {"log": {"prefix": prefix, **where} if prefix else where}
        case UseHelper(name):
            return {"ct helper": name}
        case RejectWith(type, code):
            return {"reject": {"type": type, "expr": code} if code else {"type": type}}
        case Word():
            return {statement.value: None}
        case Call(word, chain):
            return {word: {"target": chain}}
        case Translate():
            return {statement.word: _translation(statement)}
        case Assign(field, value):
            return {"mangle": {"key": _left(field), "value": _value(value)}}
        case ToSocket(family, address, port):
            to: dict[str, Json] = {} if family is None else {"family": family.value, "addr": address}
            return {"tproxy": to if port is None else {**to, "port": port}}
        case Handshake(mss, wscale, flags):
            proxy: dict[str, Json] = {"mss": mss, "wscale": wscale}
            return {"synproxy": {**proxy, "flags": [*flags]} if flags else proxy}
        case Verbatim():
            raise AssertionError("several statements, which stand in a rule alone")
        case _:
            assert_never(statement)


def _bound(kind: str, value: dict[str, Json], over: bool) -> Json:
    return {kind: {**value, "inv": True} if over else value}


def _value(value: int | Field | Bits | Replaced | Mixed | RouteMtu) -> Json:
    match value:
        case int():
            return value
        case Replaced(field, mask, bits):
            return {"|": [{"&": [_left(field), mask]}, bits]}
        case Mixed(field, mask, other, other_mask):
            return {"^": [{"&": [_left(field), mask]}, {"&": [_left(other), other_mask]}]}
        case RouteMtu():
            return {"rt": {"key": "mtu"}}
        case _:
            return _left(value)


def _compare(compare: Compare) -> Json:
    equal = "in" if isinstance(compare.right, Flags) else "=="
    op = "!=" if compare.negated else ">=" if isinstance(compare.right, AtLeast) else equal
    return {"op": op, "left": _left(compare.left), "right": _right(compare.right)}


def _left(left: Left) -> Json:
    match left:
        case Meta(key):
            return {"meta": {"key": key}}
        case CtState():
            return {"ct": {"key": "state"}}
        case Payload(protocol, field):
            return {"payload": {"protocol": protocol, "field": field}}
        case Masked(payload, family, length):
            return {"&": [_left(payload), mask(family, length)]}
        case Concat(parts):
            return {"concat": [_left(part) for part in parts]}
        case Ct(key, direction):
            return {"ct": {"key": key, "dir": direction} if direction else {"key": key}}
        case Bits(inner, bits):
            return {"&": [_left(inner), bits]}
        case TcpOption(name, field):
            return {"tcp option": {"name": name, "field": field} if field else {"name": name}}
        case TcpOptionKind(kind):
            return {"tcp option": {"base": kind, "offset": 0, "len": 8}}
        case Fragment():
            return {"exthdr": {"name": "frag", "field": "frag-off"}}
        case Fib(result, flags):
            return {"fib": {"result": result, "flags": [*flags]}}
        case Socket():
            return {"socket": {"key": "transparent"}}
        case Fingerprint():
            return {"osf": {"key": "name"}}
        case Turn(modulus):
            return {"numgen": {"mode": "inc", "mod": modulus, "offset": 0}}
        case _:
            assert_never(left)


def _right(right: Right) -> Json:
    match right:
        case Numbers(values):
            return _one_or_set([_interval(low, high, _number) for low, high in values.ranges])
        case Addresses(family, values):
            return _one_or_set([_addresses(family, low, high) for low, high in values.ranges])
        case Names(names):
            return _one_or_set([*names])
        case Flags(names):
            return [*names]
        case Protocol(family):
            return family.nfproto
        case SetReference(name):
            return f"@{name}"
        case AtLeast(number):
            return _number(number)
        case Hardware(values):
            return _one_or_set([_interval(low, high, format_mac) for low, high in values.ranges])
        case WholeSeconds(values):
            return _one_or_set([{"range": [f"{low}s", f"{high}s999ms"]} for low, high in values.ranges])
        case Words(words):
            return _one_or_set([*words])
        case Exists(there):
            return there
        case _:
            assert_never(right)


def _number(number: int) -> Json:
    # From 2**63 on JSON has no integer that nft reads; a text it reads by the type of the field.
    return number if number < 1 << 63 else str(number)


def _one_or_set(items: list[Json]) -> Json:
    return items[0] if len(items) == 1 else {"set": items}


def _addresses(family: Family, low: int, high: int) -> Json:
    length = prefix_length(family, low, high)
    if length is None or length == family.bits:
        return _interval(low, high, lambda number: format_address(family, number))
    return {"prefix": {"addr": format_address(family, low), "len": length}}


def _interval(low: int, high: int, form: Callable[[int], Json]) -> Json:
    return form(low) if low == high else {"range": [form(low), form(high)]}


def _limit(limit: RateLimit) -> Json:
    over: dict[str, Json] = {"inv": True} if limit.over else {}
    if limit.bytes:
        over |= {"rate_unit": "bytes", "burst_unit": "bytes"}
    return {"limit": {"rate": limit.count, "burst": limit.burst, "per": limit.unit, **over}}


def _element(element: SetElement) -> Json:
    key = _left(element.key)
    value: Json = key if element.timeout is None else {"elem": {"val": key, "timeout": element.timeout}}
    found: dict[str, Json] = {"op": element.operation.value, "elem": value, "set": f"@{element.set_name}"}
    return found if element.limit is None else {**found, "stmt": [_statement(element.limit)]}


def _translation(nat: Translate) -> Json:
    found: dict[str, Json] = {}
    if nat.addresses is not None:
        family = nat.addresses.family
        ((low, high),) = nat.addresses.values.ranges
        # A range even where it is a prefix: prefixes in nat statements came with nft 0.9.5, as another thing (netmap).
        form = _interval(low, high, lambda number: format_address(family, number))
        found = {"family": family.value, "addr": form}
        if nat.prefix:
            found |= {"addr": _addresses(family, low, high), "flags": "netmap", "type_flags": "prefix"}
    if nat.ports is not None:
        found["port"] = _right(nat.ports)
    if nat.flags:
        found["flags"] = [*nat.flags]
    return found or None
