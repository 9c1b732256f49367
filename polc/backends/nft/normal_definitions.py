"""Sets, maps and named objects of libnftables' JSON in one spelling."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from polc.backends.nft.json_value import Json, items
from polc.backends.nft.normal_rules import normal_verdict, rate, size_in_bytes
from polc.backends.nft.normal_values import STATE_NUMBERS, cell, intervals
from polc.ir.canonical.actions import USUAL_TIMEOUTS
from polc.ir.intervals import EMPTY, Intervals
from polc.ir.protocols import PROTOCOLS

_FIELDS: Final[dict[str, str]] = {
    "ipv4_addr": "ip saddr",
    "ipv6_addr": "ip6 saddr",
    "inet_service": "tcp dport",
    "inet_proto": "meta l4proto",
    "ifname": "meta iifname",
    "ct_state": STATE_NUMBERS,
    "mark": "meta mark",
    "ether_addr": "ether saddr",
}
"""A field of each type: how its values are spelled is a matter of the type."""


@dataclass(frozen=True, slots=True)
class Elements:
    """What a set or map holds: numbers, and other things spelled out."""

    numbers: Intervals = EMPTY
    others: frozenset[str] = frozenset()

    def covers(self, other: Elements) -> bool:
        return self.others >= other.others and all(self.numbers.covers(*pair) for pair in other.numbers.ranges)


def elements(value: dict[str, Json]) -> Elements:
    """The elements of a set or map."""
    types = [str(one) for one in items(value.get("type"))]
    field = " . ".join(_FIELDS.get(one, one) for one in types)
    found = [_bare(one) for one in items(value.get("elem", []))]
    if "map" in value:
        return Elements(others=frozenset(_pair(field, value["map"], one) for one in found))
    numbers = intervals(field, found) if len(types) == 1 else None
    return Elements(others=frozenset(cell(field, one) for one in found)) if numbers is None else Elements(numbers)


def _bare(value: Json) -> Json:
    """An element without what it carries: times, counters."""
    match value:
        case {"elem": {"val": inner}}:
            return inner
        case _:
            return value


def _pair(field: str, kind: Json, one: Json) -> str:
    match one:
        case [key, value]:
            pass
        case _:
            return cell(field, one)
    if kind == "verdict":
        return f"{cell(field, _bare(key))} : {normal_verdict(value)}"
    data = " . ".join(_FIELDS.get(str(each), str(each)) for each in items(kind))
    return f"{cell(field, _bare(key))} : {cell(data, value)}"


def definition(kind: str, value: dict[str, Json], losses: Iterable[str]) -> dict[str, Json]:
    """What a declaration says beside its name and its elements, without what listings lose or add."""
    if kind in _NORMAL:
        return _NORMAL[kind](value)
    kept = {key: one for key, one in value.items() if key not in losses and key not in ("name", "table", "family")}
    if "flags" in kept:
        flags = sorted(str(flag) for flag in items(kept.pop("flags")) if f"flag {flag}" not in losses)
        kept |= {"flags": [*flags]} if flags else {}
    if "dev" in kept:
        kept["dev"] = [*sorted(map(str, items(kept["dev"])))]
    return kept


def _timeout(value: dict[str, Json]) -> dict[str, Json]:
    """Without what is as it would be anyway, which nft 1.1.3 and later do not list."""
    family, protocol, policy = value.get("l3proto", value.get("family")), value.get("protocol"), value.get("policy")
    if isinstance(policy, dict):
        usual = USUAL_TIMEOUTS.get(PROTOCOLS.get(str(protocol), -1), {})
        policy = {state: seconds for state, seconds in policy.items() if usual.get(state) != seconds}
    return {"protocol": protocol, "policy": policy, "l3proto": family}


def _quota(value: dict[str, Json]) -> dict[str, Json]:
    return {"bytes": size_in_bytes(value), "inv": value.get("inv", False)}


def _limit(value: dict[str, Json]) -> dict[str, Json]:
    kept = ("rate", "per", "burst", "rate_unit", "burst_unit", "inv")
    return {"rate": rate({key: value[key] for key in kept if key in value})}


_NORMAL: dict[str, Callable[[dict[str, Json]], dict[str, Json]]] = {
    # A counter's values change with the traffic.
    "counter": lambda value: {},
    "ct timeout": _timeout,
    "quota": _quota,
    "limit": _limit,
}
