"""JSON as a type, and the narrow ways in which this package looks into it."""

from __future__ import annotations

import json

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Object = dict[str, Json]


def compact(value: Json) -> str:
    """One spelling for equal values."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def items(value: Json) -> list[Json]:
    """The items of an array; none of null; of anything else that one thing."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def number(value: Json) -> int | None:
    """A whole number, also where it is written as text; true and false are none."""
    match value:
        case bool():
            return None
        case int():
            return value
        case str() if value.isascii() and value.isdigit() and len(value) < 40:
            return int(value)
        case _:
            return None
