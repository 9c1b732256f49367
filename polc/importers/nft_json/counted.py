"""Limits, quotas and counts of connections: alone, by name, and one for each element of a set."""

from __future__ import annotations

from dataclasses import replace

from polc.importers.nft_json import subjects as read
from polc.importers.nft_json.context import DEFAULT_SIZE, Context
from polc.importers.nft_json.demands import NOTHING, Condition, Demand, Transport
from polc.importers.nft_json.json_value import Json, Object, items, number
from polc.importers.nft_json.pieces import Counted
from polc.importers.nft_json.problems import Unknown
from polc.importers.nft_json.subjects import subject
from polc.importers.nft_json.values import ADDRESS
from polc.ir.family import Family
from polc.ir.matches import Side
from polc.ir.stateful import Amount, Connections, KeyField, KeyPart, Limit, Quota, Rate, Unit

_UNITS = {"second": Unit.SECOND, "minute": Unit.MINUTE, "hour": Unit.HOUR, "day": Unit.DAY}
_WEEK = 7  # days, which the IR's units end with
_BYTES = {"bytes": 1, "kbytes": 1 << 10, "mbytes": 1 << 20}
_DEFAULT_BURST = 5  # NFT_LIMIT_PKT_BURST_DEFAULT (net/netfilter/nft_limit.c)
_SIDES = {Side.SADDR: KeyField.SOURCE, Side.DADDR: KeyField.DESTINATION}

State = Limit | Connections


def limit(value: Json, name: str, context: Context) -> Counted:
    """``{"limit": value}``; ``name`` is for its state, where it has none of its own.

    Raises:
        Malformed: it names an object that is not there.
        Unknown: the IR has no words for it.
    """
    if isinstance(value, str):
        found = context.object("limit", value)
        context.taken.add(("limit", value))
        inside = {key: one for key, one in found.value.items() if key in _LIMIT_KEYS}
        return Counted(replace(_bucket(inside, value), both=not context.alone("limit", value)))
    return Counted(_bucket(_object(value), name))


_LIMIT_KEYS = frozenset({"rate", "per", "burst", "inv", "rate_unit", "burst_unit"})


def _object(value: Json) -> Object:
    if not isinstance(value, dict) or "map" in value:
        raise Unknown("an object that a map chooses")
    return value


def _bucket(value: Object, table: str) -> Limit:
    rate, burst = number(value.get("rate")), number(value.get("burst", 0))
    unit, per = value.get("rate_unit", "packets"), value.get("per", "second")
    over = value.get("inv", False)
    if not value.keys() <= _LIMIT_KEYS or rate is None or burst is None or rate < 1 or not isinstance(over, bool):
        raise Unknown("a limit with other numbers than a rate and a burst")
    if per == "week":
        if rate % _WEEK:
            raise Unknown("a rate a week that is no rate a day")
        rate, week, per = rate // _WEEK, rate, "day"
    else:
        week = rate
    if str(per) not in _UNITS:
        raise Unknown("a limit in another unit of time than those up to a week")
    if unit == "packets":
        return Limit(Rate(rate, _UNITS[str(per)]), burst or _DEFAULT_BURST, over, (), table)
    factor, burst_factor = _BYTES.get(str(unit)), _BYTES.get(str(value.get("burst_unit", "bytes")))
    if factor is None or burst_factor is None:
        raise Unknown("a limit in another unit than packets and bytes")
    # The bucket holds the burst beside what one unit of time brings (net/netfilter/nft_limit.c, nft_limit_init).
    bucket = week * factor + burst * burst_factor
    return Limit(Rate(rate * factor, _UNITS[str(per)], Amount.BYTES), bucket, over, (), table)


def quota(value: Json, name: str, context: Context) -> Counted:
    """As ``limit``, of ``{"quota": value}``."""
    if isinstance(value, str):
        inside = context.object("quota", value).value
        both = not context.alone("quota", value)
        found = Counted(replace(_quota(inside.get("bytes"), "bytes", inside, value), both=both))
        context.taken.add(("quota", value))
        return found
    inside = _object(value)
    if not inside.keys() <= {"val", "val_unit", "used", "used_unit", "inv"}:
        raise Unknown("a quota with other keys")
    return Counted(_quota(inside.get("val"), inside.get("val_unit", "bytes"), inside, name))


def _quota(amount: Json, unit: Json, inside: Object, table: str) -> Quota:
    size, factor, over = number(amount), _BYTES.get(str(unit)), inside.get("inv", False)
    if size is None or factor is None or not isinstance(over, bool):
        raise Unknown("a quota of another form than a number of bytes")
    if number(inside.get("used", 0)) != 0:
        raise Unknown("a quota of which something is used already")
    return Quota(size * factor, over, table)


def connections(value: Json, name: str) -> Counted:
    """``{"ct count": value}``.

    Raises:
        Unknown: the IR has no words for it.
    """
    return Counted(_connections(_object(value), name))


def _connections(inside: Object, table: str) -> Connections:
    count, over = number(inside.get("val")), inside.get("inv", False)
    if not inside.keys() <= {"val", "inv"} or count is None or not isinstance(over, bool):
        raise Unknown("a count of connections of another form than a number")
    return Connections(count, over, (), table)


def meter(value: Json) -> Counted:
    """``{"meter": value}``, whose set belongs to the rule alone.

    Raises:
        Unknown: the IR has no words for it.
    """
    inside = _object(value)
    name, size = inside.get("name"), number(inside.get("size", DEFAULT_SIZE))
    if not inside.keys() <= {"key", "stmt", "size", "name"} or not isinstance(name, str) or size is None:
        raise Unknown("a meter with other keys than a name, a size, a key and a statement")
    return _keyed(inside.get("key"), inside.get("stmt"), name, size, None)


def element_limit(inside: Object, context: Context) -> Counted:
    """``{"set": inside}`` with a limit for each element, in a set that nothing else uses.

    Raises:
        Malformed: there is no such set.
        Unknown: the IR has no words for it.
    """
    reference = str(inside.get("set"))
    entry = context.entry(reference)
    found = entry.entry.value
    names = context.references[("set", reference)] + context.references[("@", reference)]
    if names > 1 or entry.elements or "stmt" in found:
        raise Unknown("a limit for each element of a set that is used elsewhere")
    timeout = number(found.get("timeout"))
    match inside.get("elem"):
        case {"elem": {"timeout": _}}:
            timed = True
        case _:
            timed = timeout is not None
    if inside.get("op") == "add" and timed:
        raise Unknown("a limit for elements that go a time after their first use")
    if inside.get("op") not in ("add", "update"):
        raise Unknown("a limit for elements that are taken out of a set")
    statements = items(inside.get("stmt"))
    if len(statements) != 1:
        raise Unknown("several statements for each element of a set")
    size = number(found.get("size", DEFAULT_SIZE))
    if size is None:
        raise Unknown("a set of a size that is no number")
    counted = _keyed(inside.get("elem"), statements[0], reference[1:], size, timeout)
    context.stores.add(reference[1:])
    return counted


def _keyed(element: Json, statement: Json, name: str, size: int, timeout: int | None) -> Counted:
    match element:
        case {"elem": {"val": inner, **details}, **rest} if not rest and {*details} <= {"timeout"}:
            value: Json = inner
            own = details.get("timeout")
            timeout = own if isinstance(own, int) and not isinstance(own, bool) else timeout
        case {"elem": _}:
            raise Unknown("an element with more than a key and a time")
        case _:
            value = element
    state = _statement(statement, name)
    if isinstance(state, Limit):
        if timeout is not None and timeout < -(-state.burst * state.rate.unit.value // state.rate.count):
            raise Unknown("a limit whose elements go before their buckets are full again")
    elif timeout is not None:
        raise Unknown("a count of connections whose elements go with time")
    parts, demand = _key(value)
    return Counted(replace(state, key=parts, size=size), demand)


def _statement(value: Json, name: str) -> State:
    match value:
        case {"limit": inside, **rest} if not rest:
            return _bucket(_object(inside), name)
        case {"ct count": inside, **rest} if not rest:
            return _connections(_object(inside), name)
        case _:
            raise Unknown("another statement than a limit or a count for each element of a set")


def _key(value: Json) -> tuple[tuple[KeyPart, ...], Demand]:
    match value:
        case {"concat": list(parts), **rest} if not rest:
            pass
        case _:
            parts = [value]
    found = [_part(one) for one in parts]
    demand = NOTHING
    for _, one in found:
        demand = demand.beside(one)
    if not demand.families:
        raise Unknown("addresses of both families in one key")
    return tuple(part for part, _ in found), demand


def _part(value: Json) -> tuple[KeyPart, Demand]:
    mask: Json = None
    match value:
        case {"&": [inner, given], **rest} if not rest:
            what, mask = subject(inner), given
        case _:
            what = subject(value)
    match what:
        case read.Address(side, family):
            length = family.bits if mask is None else _length(mask, family)
            part = KeyPart(_SIDES[side])
            part = replace(part, ip_length=length) if family is Family.IP else replace(part, ip6_length=length)
            return part, Demand(families=frozenset({family}))
        case read.Port(source, protocol) if mask is None:
            demand = Demand(condition=Condition.PORTS) if protocol is None else Demand(transport=Transport.of(protocol))
            return KeyPart(KeyField.SPORT if source else KeyField.DPORT), demand
        case _:
            raise Unknown("a limit for each value of another part than addresses and ports")


def _length(mask: Json, family: Family) -> int:
    hosts = ~ADDRESS[family].number(mask) & (1 << family.bits) - 1
    if hosts & (hosts + 1):
        raise Unknown("a mask of addresses that is no prefix")
    return family.bits - hosts.bit_length()
