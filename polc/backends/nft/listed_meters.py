"""Meters in listings: nft 1.1 and newer show what the kernel makes of them, a set and a statement that fills it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from polc.backends.nft.json_value import Json, items, members

_OF_A_METER: Final = frozenset({"family", "table", "name", "handle", "type", "size", "count", "flags", "elem"})
"""What the set of a meter is listed with. One with anything else (a timeout of its own) is no meter."""


def meter_names(entries: Iterable[Json]) -> frozenset[str]:
    """The meters that rules among commands or entries of a listing name."""
    return frozenset(
        str(members(members(statement)["meter"]).get("name"))
        for entry in entries
        for statement in items(_rule(entry).get("expr"))
        if "meter" in members(statement)
    )


def with_meters(entries: list[Json], names: frozenset[str]) -> list[Json]:
    """A listing with those of its sets as meters whose names are among ``names``, as nft before 1.1 lists them."""
    sizes = {
        str(one["name"]): one.get("size")
        for entry in entries
        if (one := members(members(entry).get("set"))) and one.keys() <= _OF_A_METER and one["name"] in names
    }
    kept = (entry for entry in entries if members(members(entry).get("set")).get("name") not in sizes)
    return [_entry(entry, sizes) for entry in kept] if sizes else entries


def _rule(entry: Json) -> dict[str, Json]:
    """The rule of an entry of a listing, or of an `add` command."""
    inside = members(entry)
    return members(members(inside.get("add", inside)).get("rule"))


def _entry(entry: Json, sizes: dict[str, Json]) -> Json:
    rule = members(members(entry).get("rule"))
    if not rule:
        return entry
    return {"rule": {**rule, "expr": [_statement(one, sizes) for one in items(rule.get("expr"))]}}


def _statement(statement: Json, sizes: dict[str, Json]) -> Json:
    match statement:
        case {"set": {"op": str(op), "set": str(reference), "elem": key, "stmt": [stateful], **rest}} if (
            not rest and reference.removeprefix("@") in sizes and op == _operation(key)
        ):
            name = reference.removeprefix("@")
            return {"meter": {"name": name, "size": sizes[name], "key": key, "stmt": stateful}}
        case _:
            return statement


def _operation(key: Json) -> str:
    """What a meter does with its element, by the listings of nft 1.1.3: with a time it is updated, else added."""
    return "update" if "timeout" in members(members(key).get("elem")) else "add"
