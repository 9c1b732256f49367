"""JSON as a type, and the narrow ways in which this package looks into it."""

from __future__ import annotations

import json

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def members(value: Json) -> dict[str, Json]:
    """The members of an object; none of anything else."""
    return value if isinstance(value, dict) else {}


def items(value: Json) -> list[Json]:
    """The items of an array; of anything else that one thing."""
    return value if isinstance(value, list) else [value]


def compact(value: Json) -> str:
    """One spelling for equal values."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
