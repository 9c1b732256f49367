"""Statements that end a rule: verdicts, NAT, rejects, queues, and maps of verdicts."""

from __future__ import annotations

from typing import Final

from polc.importers.nft_json.compare import compare
from polc.importers.nft_json.context import Context
from polc.importers.nft_json.demands import NOTHING, Demand, Transport
from polc.importers.nft_json.json_value import Json, Object, items, number
from polc.importers.nft_json.keys import Key, asked, element, key, rows
from polc.importers.nft_json.mangle import table_rows
from polc.importers.nft_json.pieces import Choice, End
from polc.importers.nft_json.problems import MISSING, Malformed, Unknown
from polc.importers.nft_json.symbols import ICMP_CODES
from polc.importers.nft_json.values import ADDRESS, CATCH_ALL, PORT, Kind, pairs
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.protocols import ICMP, ICMPV6, TCP
from polc.ir.selectors import Element, highest
from polc.ir.verdicts import (
    Accept,
    Drop,
    Goto,
    Jump,
    MapVerdict,
    Nat,
    NatKind,
    NatMap,
    NatTarget,
    Queue,
    Reject,
    RejectType,
    Return,
    VerdictMap,
)

WORDS: Final = ("accept", "drop", "return", "continue", "jump", "goto")


def verdict(kind: str, inside: Json, context: Context) -> MapVerdict | None:
    """A verdict without anything to it; None: `continue`.

    Raises:
        Malformed: it leads to a chain that is not there, or is not written so.
    """
    match kind, inside:
        case "accept", None:
            return Accept()
        case "drop", None:
            return Drop()
        case "return", None:
            return Return()
        case "continue", None:
            return None
        case "jump" | "goto", {"target": str(chain), **rest} if not rest:
            if chain not in context.table.chains:
                message = f"there is no chain `{chain}` in the table `{context.table.name}` here"
                raise Malformed(message, (kind, "target"), MISSING)
            return Jump(chain) if kind == "jump" else Goto(chain)
        case _:
            raise Malformed(f"this is no `{kind}` as libnftables writes it", (kind,))


# By the type and the code (nft(8), REJECT STATEMENT); codes by their numbers (RFC 792, RFC 4443).
_ICMPX = {
    "no-route": RejectType.NO_ROUTE,
    "port-unreachable": RejectType.PORT_UNREACHABLE,
    "host-unreachable": RejectType.HOST_UNREACHABLE,
    "admin-prohibited": RejectType.ADMIN_PROHIBITED,
}
_ICMPX_NUMBERS = ("no-route", "port-unreachable", "host-unreachable", "admin-prohibited")
_ICMP = {
    0: RejectType.NET_UNREACHABLE,
    1: RejectType.HOST_UNREACHABLE,
    2: RejectType.PROTO_UNREACHABLE,
    3: RejectType.PORT_UNREACHABLE,
    9: RejectType.NET_PROHIBITED,
    10: RejectType.HOST_PROHIBITED,
    13: RejectType.ADMIN_PROHIBITED,
}
_ICMPV6 = {
    0: RejectType.NO_ROUTE,
    1: RejectType.ADMIN_PROHIBITED,
    3: RejectType.ADDR_UNREACHABLE,
    4: RejectType.PORT_UNREACHABLE,
    5: RejectType.POLICY_FAIL,
    6: RejectType.REJECT_ROUTE,
}
_TYPES: dict[str, tuple[Family, int, dict[int, RejectType]]] = {
    "icmp": (Family.IP, ICMP, _ICMP),
    "icmpv6": (Family.IP6, ICMPV6, _ICMPV6),
}


def reject(inside: Json, context: Context) -> End:
    """Raises:
    Unknown: it has no words in the IR.
    """
    if inside is None:
        return End(Reject())
    if not isinstance(inside, dict) or not inside.keys() <= {"type", "expr"}:
        raise Unknown("a reject in another form")
    kind, code = inside.get("type"), inside.get("expr")
    if kind == "tcp reset" and code is None:
        return End(Reject(RejectType.TCP_RESET), Demand(transport=Transport.of(TCP)))
    if kind == "icmpx":
        named = _ICMPX_NUMBERS[code] if isinstance(code, int) and 0 <= code < len(_ICMPX_NUMBERS) else code
        if str(named) in _ICMPX:
            return End(Reject(_ICMPX[str(named)]))
    if str(kind) in _TYPES and context.layer3:
        family, protocol, answers = _TYPES[str(kind)]
        found = ICMP_CODES[protocol].get(code) if isinstance(code, str) else number(code)
        answer = answers.get(-1 if found is None else found)
        if answer is not None:
            return End(Reject(answer), Demand(families=frozenset({family})))
    raise Unknown("a reject with an answer that has no name here")


def queue(inside: Json) -> End:
    """Raises:
    Unknown: its number is worked out for each packet.
    """
    given: Object = {} if inside is None else inside if isinstance(inside, dict) else {"?": None}
    flags = {str(one) for one in items(given.get("flags"))}
    match given.get("num", 0):
        case {"range": [low, high], **rest} if not rest:
            first, last = number(low), number(high)
        case one:
            first = last = number(one)
    if first is None or last is None or not flags <= {"bypass", "fanout"} or not given.keys() <= {"num", "flags"}:
        raise Unknown("a queue whose number is worked out for each packet")
    return End(Queue(first, last, "bypass" in flags, "fanout" in flags))


_NAT = {
    "snat": NatKind.SNAT,
    "dnat": NatKind.DNAT,
    "masquerade": NatKind.MASQUERADE,
    "redirect": NatKind.REDIRECT,
}
_NETMAP = {NatKind.SNAT: NatKind.NETMAP_SOURCE, NatKind.DNAT: NatKind.NETMAP_DESTINATION}
_NAT_FLAGS = frozenset({"random", "persistent", "fully-random", "netmap"})


def nat(word: str, inside: Json, context: Context) -> End:
    """Raises:
    Unknown: it has no words in the IR.
    """
    kind = _NAT[word]
    given: Object = {} if inside is None else inside if isinstance(inside, dict) else {"?": None}
    flags = {str(one) for one in items(given.get("flags"))}
    if not given.keys() <= {"addr", "port", "family", "flags", "type_flags"} or not flags <= _NAT_FLAGS:
        raise Unknown("NAT in another form")
    family = _family(given.get("family"), context)
    random, persistent, full = (flag in flags for flag in ("random", "persistent", "fully-random"))
    if "netmap" in flags or given.get("type_flags", "concat") != "concat":
        return _netmap(kind, given, family, plain=flags <= {"netmap"})
    if _is_map(given.get("addr")) or _is_map(given.get("port")):
        if full:
            raise Unknown("a map of NAT that is fully random")
        return _nat_map(kind, given, family, context, random=random, persistent=persistent)
    addresses = None
    if "addr" in given:
        if family is None:
            raise Unknown("NAT to an address of no family")
        addresses = _one_range(given["addr"], ADDRESS[family])
    ports = _one_range(given["port"], PORT) if "port" in given else None
    of = family if addresses is not None else None
    demand = NOTHING if of is None else Demand(families=frozenset({of}))
    return End(Nat(kind, of, addresses, ports, random, persistent, full), demand)


def _family(value: Json, context: Context) -> Family | None:
    named = value if value is not None else context.table.family
    return {"ip": Family.IP, "ip6": Family.IP6}.get(str(named))


def _is_map(value: Json) -> bool:
    return isinstance(value, dict) and "map" in value


def _one_range(value: Json, kind: Kind) -> Intervals:
    return Intervals.of(pairs(value, kind))


def _netmap(kind: NatKind, given: Object, family: Family | None, *, plain: bool) -> End:
    match given.get("addr"):
        case {"prefix": _} as prefix if kind in _NETMAP and family is not None and plain and "port" not in given:
            demand = Demand(families=frozenset({family}))
            return End(Nat(_NETMAP[kind], family, Intervals.of(pairs(_json(prefix), ADDRESS[family]))), demand)
        case _:
            raise Unknown("NAT by a map of prefixes")


def _json(value: object) -> Json:
    assert isinstance(value, dict)
    return value


def _nat_map(
    kind: NatKind, given: Object, family: Family | None, context: Context, *, random: bool, persistent: bool
) -> End:
    """A map for the address, for the port, or one for both."""
    of_port = _is_map(given.get("port"))
    if of_port and "addr" in given:
        raise Unknown("NAT of an address and a port that are looked up apart")
    if kind is NatKind.MASQUERADE or (not of_port and family is None):
        raise Unknown("NAT by a map of this form")
    match given["port" if of_port else "addr"]:
        case {"map": {"key": lookup, "data": data, **more}, **rest} if not rest and not more:
            found = key(lookup)
        case _:
            raise Unknown("a map in another form")
    port = _one_range(given["port"], PORT) if "port" in given and not of_port else None
    targets = [
        (element(one, found.kinds), _target(value, family, port, of_port=of_port))
        for one, value in table_rows(data, context)
    ]
    if len({target.ports is None for _, target in targets}) > 1:
        raise Unknown("a map of NAT in which some elements have ports and some have none")
    demand = asked(found, (one for one, _ in targets))
    of = None if of_port else family
    if of is not None:
        demand = demand.beside(Demand(families=frozenset({of})))
    return End(NatMap(kind, found.selectors, tuple(targets), of, random, persistent), demand)


def _target(value: Json, family: Family | None, port: Intervals | None, *, of_port: bool) -> NatTarget:
    if of_port:
        return NatTarget(None, _one_range(value, PORT))
    assert family is not None
    match value:
        case {"concat": [address, own], **rest} if not rest and port is None:
            return NatTarget(_one_range(address, ADDRESS[family]), _one_range(own, PORT))
        case _:
            return NatTarget(_one_range(value, ADDRESS[family]), port)


def vmap(inside: Json, context: Context) -> End | Choice:
    """A map of verdicts as one, or, where its key is no part of a packet that the IR has maps of, as a choice.

    Raises:
        Malformed: it is no such map.
        Unknown: neither can be said.
    """
    if not isinstance(inside, dict) or inside.keys() != {"key", "data"}:
        raise Malformed("a verdict map has a `key` and `data`")
    data = inside["data"]
    match data:
        case {"set": given, **rest} if not rest:
            found = rows(given)
        case str() if data.startswith("@"):
            found = rows(context.inline(data))
        case _:
            raise Unknown("a map in another form")
    options = [(value, _map_verdict(one, context)) for value, one in found]
    try:
        lookup = key(inside["key"])
    except Unknown:
        return _choice(inside["key"], options, context)
    kept = _elements(options, lookup)
    if not kept:
        return End(None, lookup.demand)
    return End(VerdictMap(lookup.selectors, kept), asked(lookup, (one for one, _ in kept)))


def _map_verdict(value: Json, context: Context) -> MapVerdict | None:
    if not isinstance(value, dict) or len(value) != 1:
        raise Malformed("the value of a verdict map is a verdict")
    ((word, inside),) = value.items()
    if word not in WORDS:
        raise Unknown("a verdict that no map of the IR has")
    return verdict(word, inside, context)


def _elements(options: list[tuple[Json, MapVerdict | None]], lookup: Key) -> tuple[tuple[Element, MapVerdict], ...]:
    """Without those that go on to the next rule, which is what a packet in none of them does.

    Raises:
        Unknown: there is an element for everything else, of several parts or of interfaces.
    """
    named = [(element(value, lookup.kinds), one) for value, one in options if value != CATCH_ALL]
    kept = [(found, one) for found, one in named if one is not None]
    rest = next((one for value, one in options if value == CATCH_ALL), None)
    if rest is not None:
        if lookup.kinds[0] is None or len(lookup.kinds) > 1:
            raise Unknown("a verdict for everything else than the elements of several parts")
        taken = Intervals.of(pair for (one,), _ in named if isinstance(one, Intervals) for pair in one.ranges)
        others = taken.complement(0, highest(lookup.selectors[0], lookup.family or Family.IP))
        if others:
            kept.append(((others,), rest))
    return tuple(kept)


_MOST_OPTIONS = 64


def _choice(subject: Json, options: list[tuple[Json, MapVerdict | None]], context: Context) -> Choice:
    if len(options) > _MOST_OPTIONS or any(value == CATCH_ALL for value, _ in options):
        raise Unknown("a map of verdicts with a key that polc has no words for")
    found = []
    for value, one in options:
        demand = compare({"op": "==", "left": subject, "right": value}, layer3=context.layer3)
        if not isinstance(demand, Demand) or demand.condition is not None:
            raise Unknown("a map of verdicts with a key that polc has no words for")
        if one is not None:
            found.append((demand, one))
    return Choice(tuple(found))
