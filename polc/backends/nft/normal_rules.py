"""Rules of libnftables' JSON in one spelling: what nft adds, drops and renames between loading and listing is evened
out, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from polc.backends.nft.json_value import Json, compact, items, members
from polc.backends.nft.normal_values import left, right
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

_IMPLIED_BY_HEADER: dict[str, tuple[str, ...]] = {
    "ip": ("meta nfproto ipv4",),
    "ip6": ("meta nfproto ipv6",),
    "icmp": ("meta nfproto ipv4", "meta l4proto 1"),
    "icmpv6": ("meta nfproto ipv6", "meta l4proto 58"),
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
    for one in items(rule.get("expr")):
        ((kind, value),) = members(one).items()
        implied |= _implied_by(kind, value)
        text = _statement(kind, value)
        if text.startswith((f"{_FAMILY_FIELD} ipv", f"{_PROTOCOL_FIELD} ")) and "{" not in text and "!=" not in text:
            implied.add(text)
        else:
            statements.append(text)
    comment = rule.get("comment")
    return NormalRule(comment if isinstance(comment, str) else "", frozenset(implied), tuple(statements))


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
            case dict() as inner:
                todo += inner.values()
            case list() as inner:
                todo += inner
            case _:
                pass
    return found


def _statement(kind: str, value: Json) -> str:
    inside = members(value)
    match kind:
        case "match":
            return _match(inside)
        case "limit":
            return _limit(inside)
        case "counter":
            return f"counter name {value}" if isinstance(value, str) else "counter"
        case "log":
            return compact({"log": {"prefix": "", "level": "warn", **inside}})
        case "reject":
            answer: dict[str, Json] = inside or {"type": "icmpx", "expr": "port-unreachable"}
            return f"reject with {answer.get('type')} {answer.get('expr', '')}".rstrip()
        case "ct helper" | "cthelper":
            return f"ct helper set {value}"
        case "set":
            return _set(inside)
        case "meter":
            limit = _stateful(inside.get("stmt"))
            return f"meter {inside.get('name')} size {inside.get('size')} {{ {_element(inside.get('key'))} {limit} }}"
        case "jump" | "goto":
            return f"{kind} {inside.get('target')}"
        case "accept" | "drop" | "return":
            return kind
        case "snat" | "dnat" | "masquerade" | "redirect":
            return _nat(kind, inside)
        case _:
            return compact({kind: value})


def _nat(kind: str, nat: dict[str, Json]) -> str:
    fields = {"addr": f"{nat.get('family')} daddr", "port": "port"}
    parts = (f"{key} {right(fields[key], one) if key in fields else compact(one)}" for key, one in sorted(nat.items()))
    return " ".join((kind, *parts))


def _match(match: dict[str, Json]) -> str:
    field = left(match.get("left"))
    negated = "" if match.get("op") in ("==", "in") else f"{match.get('op')} "
    return f"{field} {negated}{right(field, match.get('right'))}"


_LIMIT_DEFAULTS: dict[str, Json] = {"burst": 5, "inv": False, "rate_unit": "packets", "burst_unit": "packets"}


def _limit(limit: dict[str, Json]) -> str:
    whole = {**_LIMIT_DEFAULTS, **limit}
    over = "over " if whole.pop("inv") else ""
    rate, per, burst = whole.pop("rate", None), whole.pop("per", None), whole.pop("burst")
    units = f"{whole.pop('rate_unit')} {whole.pop('burst_unit')}"
    rest = f" {compact(whole)}" if whole else ""
    return f"limit rate {over}{rate}/{per} burst {burst} {units}{rest}"


def _set(one: dict[str, Json]) -> str:
    inner = " ".join(_stateful(each) for each in items(one.get("stmt", [])))
    element = f"{_element(one.get('elem'))} {inner}".rstrip()
    return f"{one.get('op')} {one.get('set')} {{ {element} }}"


def _stateful(value: Json) -> str:
    return " ".join(_statement(kind, inner) for kind, inner in members(value).items())


def _element(value: Json) -> str:
    match value:
        case {"elem": {"val": key, "timeout": timeout}}:
            return f"{left(key)} timeout {timeout}s"
        case {"elem": {"val": key}}:
            return left(key)
        case _:
            return left(value)
