"""A table as commands of libnftables' JSON (libnftables-json(5)), schema version 1."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import assert_never

from polc.backends.nft.definitions import ChainDefinition, RuleDefinition, SetDefinition, TableDefinition
from polc.backends.nft.expressions import (
    Addresses,
    Bits,
    Concat,
    Ct,
    Fib,
    Flags,
    FragmentOffset,
    Left,
    Macs,
    Masked,
    Meta,
    Names,
    NumberOf,
    Numbers,
    OsfName,
    Payload,
    Presence,
    Protocol,
    Right,
    Seconds,
    SetReference,
    SocketTransparent,
    Symbols,
    TcpOption,
)
from polc.backends.nft.json_value import Json
from polc.backends.nft.keys import ALL_BITS, mac, mask
from polc.backends.nft.statements import (
    Assign,
    Call,
    Combined,
    Compare,
    ConnectionCount,
    Count,
    LogLine,
    Meter,
    QuotaBytes,
    QuotaName,
    RateLimit,
    RejectWith,
    RouteMtu,
    RuleStatement,
    SetElement,
    SynproxyWith,
    TproxyTo,
    Translate,
    UseHelper,
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
    for quota in table.quotas:
        yield {"quota": {**place, "name": quota.name, "bytes": quota.bytes, "inv": quota.over}}
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
    found: dict[str, Json] = {"name": one.name, "type": kind, "size": one.size, "flags": ["timeout"]}
    return found if one.timeout is None else {**found, "timeout": one.timeout}


def _chain(chain: ChainDefinition) -> dict[str, Json]:
    if chain.hook is None:
        return {"name": chain.name}
    hook = chain.hook
    return {"name": chain.name, "type": hook.type, "hook": hook.hook, "prio": hook.priority, "policy": hook.policy}


def _rule(rule: RuleDefinition) -> dict[str, Json]:
    comment: dict[str, Json] = {"comment": rule.comment} if rule.comment else {}
    return {**comment, "expr": [_statement(one) for one in rule.statements]}


def _statement(statement: RuleStatement) -> Json:
    match statement:
        case Compare():
            return {"match": _compare(statement)}
        case RateLimit():
            return _limit(statement)
        case ConnectionCount():
            return _connections(statement)
        case QuotaBytes(bytes, over):
            return {"quota": {"val": bytes, "val_unit": "bytes", **_inverted(over)}}
        case QuotaName(name):
            return {"quota": name}
        case Meter(name, size, key, timeout, limit):
            value = _left(key)
            element: Json = value if timeout is None else {"elem": {"val": value, "timeout": timeout}}
            inner = _limit(limit) if isinstance(limit, RateLimit) else _connections(limit)
            return {"meter": {"name": name, "size": size, "key": element, "stmt": inner}}
        case SetElement():
            return {"set": _element(statement)}
        case Count(name):
            return {"counter": name}
        case LogLine(prefix, level, group):
            target: dict[str, Json] = {"level": level} if group is None else {"group": group}
            return {"log": {"prefix": prefix, **target} if prefix else target}
        case UseHelper(name):
            return {"ct helper": name}
        case Assign(left, value):
            return {"mangle": {"key": _left(left), "value": _assigned(value)}}
        case TproxyTo():
            return {"tproxy": _tproxy(statement)}
        case SynproxyWith(mss, wscale, flags):
            return {"synproxy": {"mss": mss, "wscale": wscale, **({"flags": [*flags]} if flags else {})}}
        case RejectWith(type, code):
            return {"reject": {"type": type, "expr": code} if code else {"type": type}}
        case Word():
            return {statement.value: None}
        case Call(word, chain):
            return {word: {"target": chain}}
        case Translate():
            return {statement.word: _translation(statement)}
        case _:
            assert_never(statement)


def _compare(compare: Compare) -> Json:
    equal = "in" if isinstance(compare.right, Flags) else "=="
    op = "!=" if compare.negated else equal
    return {"op": op, "left": _left(compare.left), "right": _right(compare.right)}


def _left(left: Left) -> Json:
    match left:
        case Meta(key):
            return {"meta": {"key": key}}
        case Ct(key, original):
            return {"ct": {"key": key, "dir": "original"} if original else {"key": key}}
        case TcpOption(name, field):
            return {"tcp option": {"name": name, "field": field} if field else {"name": name}}
        case Fib(result, flags):
            return {"fib": {"result": result, "flags": [*flags]}}
        case SocketTransparent():
            return {"socket": {"key": "transparent"}}
        case OsfName():
            return {"osf": {"key": "name"}}
        case FragmentOffset():
            return {"exthdr": {"name": "frag", "field": "frag-off"}}
        case NumberOf(modulus):
            return {"numgen": {"mode": "inc", "mod": modulus, "offset": 0}}
        case Bits(inner, bits):
            return {"&": [_left(inner), bits]}
        case Payload(protocol, field):
            return {"payload": {"protocol": protocol, "field": field}}
        case Masked(payload, family, length):
            return {"&": [_left(payload), mask(family, length)]}
        case Concat(parts):
            return {"concat": [_left(part) for part in parts]}
        case _:
            assert_never(left)


def _right(right: Right) -> Json:
    match right:
        case Numbers(values):
            return _one_or_set([_interval(low, high, _number) for low, high in values.ranges])
        case Addresses(family, values):
            return _one_or_set([_addresses(family, low, high) for low, high in values.ranges])
        case Macs(values):
            return _one_or_set([_interval(low, high, mac) for low, high in values.ranges])
        case Seconds(values):
            return _one_or_set([{"range": [f"{low}s", f"{high}s999ms"]} for low, high in values.ranges])
        case Presence(exists):
            return exists
        case Names(names) | Symbols(names, _):
            return _one_or_set([*names])
        case Flags(names):
            return [*names]
        case Protocol(family):
            return family.nfproto
        case SetReference(name):
            return f"@{name}"
        case _:
            assert_never(right)


def _number(number: int) -> Json:
    # Beyond 63 bits JSON has no integer that libjansson reads; nft reads a text by the type of the field.
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
    units: dict[str, Json] = {"rate_unit": "bytes", "burst_unit": "bytes"} if limit.bytes else {}
    return {"limit": {"rate": limit.count, "burst": limit.burst, "per": limit.unit, **units, **_inverted(limit.over)}}


def _inverted(over: bool) -> dict[str, Json]:
    return {"inv": True} if over else {}


def _connections(limit: ConnectionCount) -> Json:
    return {"ct count": {"val": limit.count, **_inverted(limit.over)}}


def _assigned(value: int | Meta | Ct | Combined | RouteMtu) -> Json:
    match value:
        case int():
            return value
        case Meta() | Ct():
            return _left(value)
        case RouteMtu():
            return {"rt": {"key": value.value}}
        case Combined(left, keep, bits):
            kept: Json = _left(left) if keep == ALL_BITS else {"&": [_left(left), keep]}
            return {"|": [kept, bits]} if bits else kept
        case _:
            assert_never(value)


def _tproxy(to: TproxyTo) -> Json:
    found: dict[str, Json] = {}
    if to.family is not None:
        found["family"] = to.family.value
        if to.address is not None:
            found["addr"] = format_address(to.family, to.address)
    if to.port is not None:
        found["port"] = to.port
    return found


def _element(element: SetElement) -> Json:
    key = _left(element.key)
    value: Json = key if element.timeout is None else {"elem": {"val": key, "timeout": element.timeout}}
    found: dict[str, Json] = {"op": element.operation.value, "elem": value, "set": f"@{element.set_name}"}
    return found if element.limit is None else {**found, "stmt": [_limit(element.limit)]}


def _translation(nat: Translate) -> Json:
    found: dict[str, Json] = {}
    if nat.addresses is not None:
        family = nat.addresses.family
        ((low, high),) = nat.addresses.values.ranges
        # A range even where it is a prefix: prefixes in nat statements came with nft 0.9.5, as another thing (netmap).
        form = (
            _addresses(family, low, high)
            if nat.prefix
            else _interval(low, high, lambda number: format_address(family, number))
        )
        found = {"family": family.value, "addr": form}
    if nat.ports is not None:
        found["port"] = _right(nat.ports)
    flags = (*nat.flags, "netmap") if nat.prefix else nat.flags
    if flags:
        found["flags"] = [*flags]
    if nat.prefix:
        found["type_flags"] = "prefix"
    return found or None
