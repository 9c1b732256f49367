"""The shape of an nft table, from its JSON commands (libnftables-json(5))."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from polc.report.model import SetReport
from polc.report.shape import Chain, Line, Shape, Way, WayKind
from polc.report.state import CONNTRACK, ESTABLISHED, both, holds
from polc.report.tags import rule_of

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_ENDS = frozenset({"accept", "drop", "reject", "queue", "snat", "dnat", "masquerade", "redirect"})
_CALLS = {"jump": WayKind.JUMPS, "goto": WayKind.GOES}
_CONDITIONS = {"limit": "limit", "quota": "quota", "ct count": "count of connections"}


def shape(file: str, text: str) -> Shape:
    """What the commands of one output file add."""
    chains: dict[str, dict[str, Json]] = {}
    rules: dict[str, list[dict[str, Json]]] = {}
    sets: list[SetReport] = []
    maps: dict[str, Json] = {}
    for command in json.loads(text)["nftables"]:
        for kind, value in command.get("add", {}).items():
            match kind:
                case "chain":
                    chains[str(value["name"])] = value
                case "rule":
                    rules.setdefault(str(value["chain"]), []).append(value)
                case "set" | "map":
                    elements = value.get("elem", [])
                    maps[str(value["name"])] = elements
                    count = len(elements) if isinstance(elements, list) else 1
                    sets.append(SetReport(file, str(value["name"]), kind, value.get("size"), count))
                case _:
                    pass
    found = tuple(_chain(file, chain, rules.get(name, []), maps) for name, chain in chains.items())
    return Shape(found, (*sets, *_meters(file, rules)))


def _chain(file: str, chain: dict[str, Json], rules: list[dict[str, Json]], maps: dict[str, Json]) -> Chain:
    hook = f"{chain['type']} at {chain['hook']}, priority {chain['prio']}" if "hook" in chain else ""
    priority = chain.get("prio")
    early = isinstance(priority, int) and priority <= CONNTRACK
    lines = tuple(_line(rule, maps, tracked=not early) for rule in rules)
    return Chain(file, str(chain["table"]), str(chain["name"]), hook, chain.get("type") == "nat", lines)


@dataclass(slots=True)
class _Reading:
    """A rule, as far as it has been read."""

    maps: dict[str, Json]
    tracked: bool
    lookups: int = 0
    applies: bool | None = True
    established: bool | None = True
    ways: list[Way] = field(default_factory=list)
    established_ways: list[Way] = field(default_factory=list)
    constructs: dict[str, None] = field(default_factory=dict)
    anonymous: list[int] = field(default_factory=list)

    def asks(self, established: bool | None = None) -> None:
        self.applies = None
        self.established = both(self.established, established)

    def look_up(self, what: str, where: Json) -> None:
        """A look into a set or map: a name, or what stands in the rule."""
        self.lookups += 1
        match where:
            case str(name):
                self.constructs[f"{what} {name.removeprefix('@')}"] = None
            case {"set": list(elements)}:
                self.constructs[f"anonymous {what}"] = None
                self.anonymous.append(len(elements))
            case _:
                self.constructs[what] = None


def _line(rule: dict[str, Json], maps: dict[str, Json], *, tracked: bool) -> Line:
    reading = _Reading(maps, tracked)
    statements = rule.get("expr")
    for statement in statements if isinstance(statements, list) else []:
        if isinstance(statement, dict):
            for kind, value in statement.items():
                _statement(kind, value, reading)
    return Line(
        rule_of(str(rule.get("comment", ""))),
        reading.lookups,
        reading.applies,
        tuple(reading.ways),
        reading.established,
        tuple(reading.established_ways),
        tuple(reading.constructs),
        tuple(reading.anonymous),
    )


def _statement(kind: str, value: Json, reading: _Reading) -> None:
    if kind in _ENDS or kind == "return":
        way = Way(WayKind.RETURNS if kind == "return" else WayKind.ENDS)
        reading.ways.append(way)
        reading.established_ways.append(way)
    match kind, value:
        case "match", {"left": left, "op": op, "right": right}:
            _match(left, str(op), right, reading)
        case "vmap", {"key": key, "data": data}:
            _verdicts(key, data, reading)
        case (("jump" | "goto"), {"target": target}):
            reading.ways.append(Way(_CALLS[kind], str(target)))
            reading.established_ways.append(Way(_CALLS[kind], str(target)))
        case "set", {"set": name}:
            # A full set breaks the rule off.
            reading.look_up("set", name)
            reading.asks()
        case "meter", {"name": name}:
            reading.look_up("meter", name)
            reading.asks()
        case _ if kind in _CONDITIONS:
            reading.constructs[_CONDITIONS[kind]] = None
            reading.asks()
        case _:
            pass
    for table in _maps_in(value):
        reading.look_up("map", table)


def _match(left: Json, op: str, right: Json, reading: _Reading) -> None:
    asked: bool | None = None
    match right:
        case str(name) if name.startswith("@"):
            reading.look_up("set", name)
        case {"set": list()} if left != _STATE:
            reading.look_up("set", right)
        case _:
            pass
    if left == _STATE and reading.tracked:
        inside = right.get("set") if isinstance(right, dict) else right
        names = inside if isinstance(inside, list) else [inside]
        asked = holds((str(one) for one in names), negated=op == "!=")
    reading.asks(asked)


_STATE: Json = {"ct": {"key": "state"}}


def _verdicts(key: Json, data: Json, reading: _Reading) -> None:
    reading.look_up("verdict map", data)
    reading.asks()
    match data:
        case {"set": list(elements)}:
            pass
        case str(name):
            found = reading.maps.get(name.removeprefix("@"))
            elements = found if isinstance(found, list) else []
        case _:
            elements = []
    for element in elements:
        match element:
            case [value, dict(verdict)]:
                for way in _ways(verdict):
                    reading.ways.append(way)
                    if key != _STATE or not reading.tracked or value == ESTABLISHED:
                        reading.established_ways.append(way)
            case _:
                pass


def _ways(verdict: dict[str, Json]) -> Iterator[Way]:
    for kind, value in verdict.items():
        match value:
            case {"target": target} if kind in _CALLS:
                yield Way(_CALLS[kind], str(target))
            case _ if kind in _ENDS:
                yield Way(WayKind.ENDS)
            case _ if kind == "return":
                yield Way(WayKind.RETURNS)
            case _:
                pass


def _maps_in(value: Json) -> Iterator[Json]:
    """The maps by which a statement finds its values."""
    match value:
        case {"map": {"data": data}}:
            yield data
        case dict():
            for inner in value.values():
                yield from _maps_in(inner)
        case list():
            for inner in value:
                yield from _maps_in(inner)
        case _:
            pass


def _meters(file: str, rules: dict[str, list[dict[str, Json]]]) -> Iterator[SetReport]:
    for rule in (one for several in rules.values() for one in several):
        statements = rule.get("expr")
        for statement in statements if isinstance(statements, list) else []:
            match statement:
                case {"meter": {"name": str(name), "size": int(size)}}:
                    yield SetReport(file, name, "meter", size, 0)
                case _:
                    pass
