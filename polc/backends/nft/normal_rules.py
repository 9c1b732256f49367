"""Rules of libnftables' JSON in one spelling: what nft adds, drops and renames between loading and listing is evened
out, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Final

from polc.backends.nft.json_value import Json, compact, items, members
from polc.backends.nft.normal_values import FLAG_FIELDS, cell, left, right
from polc.backends.nft.symbols import flags
from polc.ir.protocols import PORT_PROTOCOLS, PROTOCOLS


@dataclass(frozen=True, slots=True)
class NormalRule:
    """``implied`` is what the rule says of family and transport protocol, in a match of its own or by a header's name.

    nft adds such matches where a header needs them and leaves them out of listings where a header tells.
    """

    comment: str
    implied: frozenset[str]
    statements: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((*sorted(self.implied), *self.statements))


_FAMILY_FIELD: Final = "meta nfproto"
_PROTOCOL_FIELD: Final = "meta l4proto"

_ETHERNET: Final = "meta iiftype ether"
_TAGGED: Final = "ether type 33024"

_IMPLIED_BY_HEADER: dict[str, tuple[str, ...]] = {
    "ip": ("meta nfproto ipv4",),
    "ip6": ("meta nfproto ipv6",),
    "icmp": ("meta nfproto ipv4", "meta l4proto 1"),
    "icmpv6": ("meta nfproto ipv6", "meta l4proto 58"),
    "ah": ("meta l4proto 51",),
    "esp": ("meta l4proto 50",),
    "ether": (_ETHERNET,),
    "vlan": (_ETHERNET, _TAGGED),
    **{name: (f"meta l4proto {one}",) for name, one in PROTOCOLS.items() if one in PORT_PROTOCOLS},
}
_IMPLIED_BY_REJECT: dict[str, str] = {
    "icmp": "meta nfproto ipv4",
    "icmpv6": "meta nfproto ipv6",
    "tcp reset": "meta l4proto 6",
}


def normal_rule(rule: dict[str, Json]) -> NormalRule:
    implied: set[str] = set()
    statements: list[str] = []
    plain: list[bool] = []
    for one in (part for each in items(rule.get("expr")) for part in _taken_apart(each)):
        ((kind, value),) = members(one).items()
        if kind in _ADDRESSES_CHANGED and "addr" in members(value):
            # In a table of one family it goes without saying.
            value = {"family": rule.get("family"), **members(value)}
        implied |= _implied_by(kind, value)
        text = normal_statement(kind, value)
        text = _FAMILY_OF_FRAMES.get(text, text)
        if _FACT.fullmatch(text):
            implied.add(text)
        else:
            statements.append(text)
            plain.append(kind == "match" and "numgen" not in text)
    comment = rule.get("comment")
    # nft lists `th dport` by the name of the transport protocol where the rule names one.
    names = [_NAMES[one] for one in implied if one in _NAMES]
    if len(names) == 1:
        statements = [_PORT.sub(rf"{names[0]} \1", one) for one in statements]
    ordered = tuple(one for one in _in_order(statements, plain) if one != _TAGGED or _TAGGED not in implied)
    return NormalRule(comment if isinstance(comment, str) else "", frozenset(implied), ordered)


def _taken_apart(statement: Json) -> list[Json]:
    """Both ports of any protocol as the two matches that nft has joined to one on their bytes."""
    match statement:
        case {"match": {"op": "==", "left": {"payload": {"base": "th", "offset": 0, "len": 32}}, "right": int(ports)}}:
            sides: list[tuple[str, Json]] = [("sport", ports >> 16), ("dport", ports & 0xFFFF)]
            return [
                {"match": {"op": "==", "left": {"payload": {"protocol": "th", "field": side}}, "right": port}}
                for side, port in sides
            ]
        case _:
            return [statement]


def _in_order(statements: list[str], plain: list[bool]) -> Iterator[str]:
    """Matches without state may be asked in any order, and nft joins those that stand side by side in a header."""
    for is_plain, group in groupby(zip(statements, plain, strict=True), key=itemgetter(1)):
        some = [statement for statement, _ in group]
        yield from sorted(some) if is_plain else some


_ADDRESSES_CHANGED = ("snat", "dnat", "tproxy")
_FAMILY_OF_FRAMES = {
    f"{field} {number}": f"{_FAMILY_FIELD} {family}"
    for field in ("meta protocol", "ether type")
    for number, family in ((0x0800, "ipv4"), (0x86DD, "ipv6"))
}
"""How tables of bridges and devices tell families apart, which listings leave out before a header of the family."""
_FACT = re.compile(rf"{_FAMILY_FIELD} ipv[46]|{_PROTOCOL_FIELD} [a-z0-9-]+|{_ETHERNET}")
_PORT = re.compile(r"\bth (sport|dport)\b")
_NAMES = {f"{_PROTOCOL_FIELD} {one}": name for name, one in PROTOCOLS.items() if one in PORT_PROTOCOLS}


def _implied_by(kind: str, value: Json) -> set[str]:
    """What the headers named anywhere in a statement imply."""
    found: set[str] = set()
    if kind == "reject":
        found |= {fact for name, fact in _IMPLIED_BY_REJECT.items() if members(value).get("type") == name}
    todo: list[Json] = [value]
    while todo:
        match todo.pop():
            case {"payload": {"protocol": str(protocol)}}:
                found.update(_IMPLIED_BY_HEADER.get(protocol, ()))
            case {"tcp option": dict()}:
                found.add("meta l4proto 6")
            case {"exthdr": dict()}:
                found.add("meta nfproto ipv6")
            case dict() as inner:
                todo += inner.values()
            case list() as inner:
                todo += inner
            case _:
                pass
    return found


def normal_statement(kind: str, value: Json) -> str:
    inside = members(value)
    match kind:
        case "match":
            return _match(inside)
        case "limit" if isinstance(value, str):
            return f"limit name {value}"
        case "quota" if isinstance(value, str):
            return f"quota name {value}"
        case "limit":
            return rate(inside)
        case "vmap":
            return f"{_key(inside.get('key'))} vmap {_map(inside, normal_verdict)}"
        case "counter":
            return f"counter name {value}" if isinstance(value, str) else "counter"
        case "log":
            level: dict[str, Json] = {} if "group" in inside else {"level": "warn"}
            flags: dict[str, Json] = {"flags": _log_flags(inside["flags"])} if "flags" in inside else {}
            return compact({"log": {"prefix": "", **level, **inside, **flags}})
        case "mangle":
            field = left(inside.get("key"))
            return f"{field} set {_assigned(field, inside.get('value'))}"
        case "quota":
            amount, unit = _in_bytes(inside.get("val"), inside.get("val_unit"))
            kept = {key: one for key, one in inside.items() if key not in ("used", "used_unit")}
            return compact({"quota": {"inv": False, **kept, "val": amount, "val_unit": unit}})
        case "ct count":
            return compact({"ct count": {"inv": False, **inside}})
        case "reject":
            answer: dict[str, Json] = inside or {"type": "icmpx", "expr": "port-unreachable"}
            return f"reject with {answer.get('type')} {answer.get('expr', '')}".rstrip()
        case "ct helper" | "cthelper":
            return f"ct helper set {value}"
        case "ct timeout" | "cttimeout":
            return f"ct timeout set {value}"
        case "set":
            return _set(inside)
        case "meter":
            limit = _stateful(inside.get("stmt"))
            return f"meter {inside.get('name')} size {inside.get('size')} {{ {_element(inside.get('key'))} {limit} }}"
        case "reset":
            # The length of an option without a name is listed as 0 by some versions, and says nothing.
            return f"reset {left(_whole(value))}"
        case "jump" | "goto":
            return f"{kind} {inside.get('target')}"
        case "accept" | "drop" | "return":
            return kind
        case "snat" | "dnat" | "masquerade" | "redirect":
            return _nat(kind, inside)
        case _:
            return compact({kind: value})


_WHOLE_MARK = 0xFFFFFFFF


def _assigned(field: str, value: Json) -> str:
    """What a field is set to: for a mark ``other & mask ^ bits``, however many operations that is spelled with."""
    match value:
        case int() | str():
            return right(field, value)
        case {"map": dict(lookup)}:
            return f"{left(lookup.get('key'))} map {_map(lookup, lambda one: cell(field, one))}"
        case {"^": [{"&": [_, int()]} as one, {"&": [_, int()]} as other]}:
            return f"{_assigned(field, one)} ^ {_assigned(field, other)}"
        case _:
            inner, mask, bits = _masked(value)
            return f"{inner} & {mask} ^ {bits}" if (mask, bits) != (_WHOLE_MARK, 0) else inner


def _whole(value: Json) -> Json:
    match value:
        case {"tcp option": {"base": kind}}:
            return {"tcp option": {"base": kind, "offset": 0, "len": 8}}
        case _:
            return value


def _masked(value: Json) -> tuple[str, int, int]:
    """A field, which of its bits are kept and which are toggled then."""
    match value:
        case {"&": [inner, int(operand)]}:
            field, mask, bits = _masked(inner)
            return field, mask & operand, bits & operand
        case {"|": [inner, int(operand)]}:
            field, mask, bits = _masked(inner)
            return field, mask & ~operand, bits | operand
        case {"^": [inner, int(operand)]}:
            field, mask, bits = _masked(inner)
            return field, mask, bits ^ operand
        case _:
            return left(value), _WHOLE_MARK, 0


def _nat(kind: str, nat: dict[str, Json]) -> str:
    fields = {"addr": f"{nat.get('family')} daddr", "port": "port"}
    # One word, or a list of them: nft changed its mind in 1.1.
    words: dict[str, Json] = {
        key: [*sorted(map(str, items(nat[key])))] for key in ("flags", "type_flags") if key in nat
    }
    nat = {**nat, **words}
    for key, data in (("addr", f"{nat.get('family')} daddr . port"), ("port", "port")):
        match nat.get(key):
            case {"map": dict(lookup)}:
                # Listings of nft 1.0.6 leave out that addresses stand beside ports, which the map says.
                kept = {name: one for name, one in nat.items() if name not in (key, "type_flags")}
                target = data if "concat" in compact(lookup.get("data")) else data.partition(" . ")[0]
                spelled = f"{left(lookup.get('key'))} map {_map(lookup, partial(cell, target))}"
                return " ".join((kind, key, spelled, *(f"{name} {compact(one)}" for name, one in sorted(kept.items()))))
            case _:
                pass
    parts = (f"{key} {right(fields[key], one) if key in fields else compact(one)}" for key, one in sorted(nat.items()))
    return " ".join((kind, *parts))


def _match(match: dict[str, Json]) -> str:
    field = left(match.get("left"))
    bits = _bits(field, str(match.get("op")), match.get("right"))
    if bits:
        return bits
    negated = "" if match.get("op") in ("==", "in") else f"{match.get('op')} "
    match match.get("right"):
        case {"prefix": {"addr": int(value), "len": int(length)}} if field.endswith(" mark"):
            # So nft lists a mark under a mask that is a prefix's.
            return f"{field} & {_WHOLE_MARK << 32 - length & _WHOLE_MARK} {negated}{value}"
        case _:
            pass
    return f"{field} {negated}{right(field, match.get('right'))}"


def _bits(field: str, op: str, value: Json) -> str:
    """A match on flags as ``field & mask == value`` or ``!=``, however it is spelled; "" for other matches.

    nft lists `& mask != 0` as the names of the mask alone (op `in`), `== 0` as op `!`, and leaves out a whole mask.
    """
    name, masked, mask_text = field.partition(" & ")
    found = flags(name, value) if name in FLAG_FIELDS else None
    if found is None:
        return ""
    if op in ("in", "!"):
        return f"{name} & {found} {'!=' if op == 'in' else '=='} 0"
    mask = mask_text if masked else str(_WHOLE[name])
    return f"{name} & {mask} {op} {found}"


_WHOLE = {"tcp flags": 0xFF, "ct status": 0xFFFFFFFF}

_LOG_FLAGS = ("ether", "ip options", "skuid", "tcp options", "tcp sequence")


def _log_flags(value: Json) -> Json:
    words = [str(one) for one in items(value)]
    return [*_LOG_FLAGS] if "all" in words else [*sorted(words)]


def normal_verdict(value: Json) -> str:
    return _stateful(value)


def _key(value: Json) -> str:
    return left(value)


def _map(value: dict[str, Json], data: Callable[[Json], str]) -> str:
    """``@name``, or the pairs of an anonymous map, sorted."""
    inside = value.get("data")
    if isinstance(inside, str):
        return inside
    field = left(value.get("key"))
    pairs = (one for one in items(members(inside).get("set")) if isinstance(one, list) and len(one) == 2)
    return f"{{ {', '.join(sorted(f'{cell(field, key)} : {data(target)}' for key, target in pairs))} }}"


def size_in_bytes(value: dict[str, Json]) -> Json:
    """The size of a named quota."""
    return value.get("bytes")


_LIMIT_DEFAULTS: dict[str, Json] = {"burst": 5, "inv": False, "rate_unit": "packets", "burst_unit": "packets"}


def rate(limit: dict[str, Json]) -> str:
    whole = {**_LIMIT_DEFAULTS, **limit}
    over = "over " if whole.pop("inv") else ""
    rate, per, burst = whole.pop("rate", None), whole.pop("per", None), whole.pop("burst")
    rate, rate_unit = _in_bytes(rate, whole.pop("rate_unit"))
    burst, burst_unit = _in_bytes(burst, whole.pop("burst_unit"))
    units = f"{rate_unit} {burst_unit}"
    rest = f" {compact(whole)}" if whole else ""
    return f"limit rate {over}{rate}/{per} burst {burst} {units}{rest}"


_UNITS = {"bytes": 1, "kbytes": 1 << 10, "mbytes": 1 << 20}


def _in_bytes(number: Json, unit: Json) -> tuple[Json, Json]:
    """nft lists round numbers of bytes in larger units."""
    if isinstance(number, int) and isinstance(unit, str) and unit in _UNITS:
        return number * _UNITS[unit], "bytes"
    return number, unit


def _set(one: dict[str, Json]) -> str:
    inner = " ".join(_stateful(each) for each in items(one.get("stmt", [])))
    element = f"{_element(one.get('elem'))} {inner}".rstrip()
    return f"{one.get('op')} {one.get('set')} {{ {element} }}"


def _stateful(value: Json) -> str:
    return " ".join(normal_statement(kind, inner) for kind, inner in members(value).items())


def _element(value: Json) -> str:
    """A key, and how long its element lives."""
    match value:
        case {"elem": {"val": key, "timeout": timeout}}:
            return f"{left(key)} timeout {timeout}s"
        case {"elem": {"val": key}}:
            return left(key)
        case _:
            return left(value)
