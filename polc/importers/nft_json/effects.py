"""Statements that do something to a packet or about it."""

from __future__ import annotations

from collections.abc import Callable

from polc.importers.nft_json import subjects as read
from polc.importers.nft_json.context import Context
from polc.importers.nft_json.demands import Demand, Transport
from polc.importers.nft_json.json_value import Json, Object, items, number
from polc.importers.nft_json.keys import key
from polc.importers.nft_json.pieces import Effect
from polc.importers.nft_json.problems import Unknown
from polc.importers.nft_json.subjects import subject
from polc.importers.nft_json.symbols import protocol
from polc.importers.nft_json.values import ADDRESS
from polc.ir.family import Family
from polc.ir.protocols import TCP
from polc.ir.statements import (
    AssignHelper,
    AssignTimeout,
    Counter,
    Duplicate,
    Log,
    LogFlag,
    LogLevel,
    Notrack,
    Offload,
    SetOperation,
    StripTcpOptions,
    Synproxy,
    UpdateSet,
)

_TCP = Demand(transport=Transport.of(TCP))


def _plain(value: Json, allowed: frozenset[str], what: str) -> Object:
    """The object of a statement that has no other keys.

    Raises:
        Unknown: it has, or is none.
    """
    if value is None:
        return {}
    if not isinstance(value, dict) or not value.keys() <= allowed:
        raise Unknown(f"{what} in another form")
    return value


def counter(value: Json, context: Context) -> Effect:
    if isinstance(value, str):
        inside = context.object("counter", value).value
        context.taken.add(("counter", value))
        name: str | None = value
    else:
        inside, name = _plain(value, frozenset({"packets", "bytes"}), "a counter"), None
    packets, size = number(inside.get("packets", 0)), number(inside.get("bytes", 0))
    if packets is None or size is None or packets < 0 or size < 0:
        raise Unknown("a counter whose values are no numbers")
    return Effect(Counter(name, packets, size))


_LEVELS = {one.name.lower(): one for one in LogLevel}
_FLAGS = {one.value: one for one in LogFlag}


def log(value: Json, context: Context) -> Effect:
    inside = _plain(
        value, frozenset({"prefix", "level", "group", "flags", "snaplen", "queue-threshold"}), "a line of the log"
    )
    prefix, level = inside.get("prefix", ""), _LEVELS.get(str(inside.get("level", "warn")))
    if not isinstance(prefix, str) or level is None:
        raise Unknown(f"the level `{inside.get('level')}` of the log")
    numbers = {name: number(inside.get(name)) for name in ("group", "snaplen", "queue-threshold")}
    if any(name in inside and (one is None or one < 0) for name, one in numbers.items()):
        raise Unknown("a line of the log with numbers that are none")
    group = numbers["group"]
    if group is None and (numbers["snaplen"] is not None or numbers["queue-threshold"] is not None):
        raise Unknown("a part of a packet in the log, which is for groups")
    words = items(inside.get("flags"))
    flags = frozenset(LogFlag) if "all" in words else _log_flags(words)
    return Effect(Log(prefix, level, group, flags, numbers["snaplen"], numbers["queue-threshold"]))


def _log_flags(words: list[Json]) -> frozenset[LogFlag]:
    found = [_FLAGS.get(str(one)) for one in words]
    kept = frozenset(one for one in found if one is not None)
    if None in found:
        raise Unknown("a flag of the log that has no name here")
    return kept


def notrack(value: Json, context: Context) -> Effect:
    if value is not None:
        raise Unknown("notrack with something behind it")
    return Effect(Notrack())


def update(value: Json, context: Context) -> Effect:
    """``{"set": ...}`` without a statement for each element."""
    inside = _plain(value, frozenset({"op", "elem", "set"}), "a change of a set")
    reference, operation = inside.get("set"), _OPERATIONS.get(str(inside.get("op")))
    if not isinstance(reference, str) or not reference.startswith("@") or operation is None:
        raise Unknown("a change of a set in another form")
    timeout = None
    match inside.get("elem"):
        case {"elem": {"val": inner, **details}, **rest} if not rest and {*details} <= {"timeout"}:
            value = inner
            given = details.get("timeout")
            if isinstance(given, bool) or not isinstance(given, int | None):
                raise Unknown("an element whose time is no number of seconds")
            timeout = given
        case {"elem": _}:
            raise Unknown("an element with more than a key and a time")
        case element:
            value = element
    found = key(value)
    if context.named_set(reference).types != found.types():
        raise Unknown("a key of other types than those of the set")
    return Effect(UpdateSet(found.selectors, reference[1:], timeout, operation), found.demand)


_OPERATIONS = {one.value: one for one in SetOperation}


def helper(value: Json, context: Context) -> Effect:
    name = _name(value)
    inside = context.object("ct helper", name).value
    kind, transport = inside.get("type"), protocol(str(inside.get("protocol")))
    if not isinstance(kind, str) or transport is None:
        raise Unknown("a helper without a type or a protocol")
    if not _for_all(inside, context):
        raise Unknown("a helper for one family in a table of both")
    context.taken.add(("ct helper", name))
    return Effect(AssignHelper(kind, transport))


def _name(value: Json) -> str:
    if not isinstance(value, str):
        raise Unknown("an object that is not named by a text")
    return value


def _for_all(inside: Object, context: Context) -> bool:
    """Whether an object of conntrack is for all packets of its table."""
    return inside.get("l3proto", context.table.family) == context.table.family


def timeout(value: Json, context: Context) -> Effect:
    name = _name(value)
    inside = context.object("ct timeout", name).value
    transport, policy = protocol(str(inside.get("protocol"))), inside.get("policy")
    family = {"ip": Family.IP, "ip6": Family.IP6, "inet": None}.get(str(inside.get("l3proto", context.table.family)), 0)
    if transport is None or family == 0 or not isinstance(policy, dict | None):
        raise Unknown("timeouts without a protocol, a family or a policy")
    # What is not listed is as it is anyway.
    times = [(str(state), number(one)) for state, one in (policy or {}).items()]
    found = tuple((state, seconds) for state, seconds in times if seconds is not None)
    if len(found) != len(times):
        raise Unknown("timeouts that are no numbers of seconds")
    context.taken.add(("ct timeout", name))
    of = family if isinstance(family, Family) else None
    return Effect(AssignTimeout(name, transport, found, None if len(context.families) == 1 else of))


def flow(value: Json, context: Context) -> Effect:
    match value:
        case {"op": "add", "flowtable": str(name), **rest} if not rest and name.startswith("@"):
            return Effect(Offload(name[1:]))
        case _:
            raise Unknown("a flowtable in another form")


def duplicate(value: Json, context: Context) -> Effect:
    match value:
        case {"addr": str(text), **rest} if {*rest} <= {"dev"}:
            family = Family.IP6 if ":" in text else Family.IP
            device = rest.get("dev")
            if device is None or (isinstance(device, str) and device):
                address = ADDRESS[family].number(text)
                return Effect(Duplicate(family, address, str(device) if device else None), _of(family))
        case _:
            pass
    raise Unknown("a copy to what is no address")


def _of(family: Family) -> Demand:
    return Demand(families=frozenset({family}))


def synproxy(value: Json, context: Context) -> Effect:
    if isinstance(value, str):
        inside: Object = {**context.object("synproxy", value).value}
        for name in ("family", "table", "name", "handle", "comment"):
            inside.pop(name, None)
    else:
        inside = _plain(value, frozenset({"mss", "wscale", "flags"}), "synproxy")
    mss, scale = number(inside.get("mss")), number(inside.get("wscale"))
    flags = {str(one) for one in items(inside.get("flags"))}
    if mss is None or scale is None or not flags <= {"timestamp", "sack-perm"}:
        raise Unknown("synproxy without an MSS or a window scale")
    if isinstance(value, str):
        context.taken.add(("synproxy", value))
    return Effect(Synproxy(mss, scale, "timestamp" in flags, "sack-perm" in flags), _TCP)


def reset(value: Json, context: Context) -> Effect:
    match value:
        case {"tcp option": _, **rest} if not rest:
            what = subject(value)
            if isinstance(what, read.Option):
                return Effect(StripTcpOptions((what.kind,)), _TCP)
        case _:
            pass
    raise Unknown("something to reset that is no TCP option with a name")


EFFECTS: dict[str, Callable[[Json, Context], Effect]] = {
    "counter": counter,
    "log": log,
    "notrack": notrack,
    "ct helper": helper,
    "cthelper": helper,
    "ct timeout": timeout,
    "flow": flow,
    "dup": duplicate,
    "synproxy": synproxy,
    "reset": reset,
}
"""Statements by their key in JSON. Each raises Unknown where the IR has no words for it, and Malformed where it names
something that the table does not have.
"""
