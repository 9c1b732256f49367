"""Values as YAML, laid out as `polc fmt` does it: in flow style where a line holds them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from polc.policy.format.printer import WIDTH
from polc.policy.format.quoting import written

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def entry(key: str, value: Json, indent: int) -> Iterator[str]:
    """A key and its value."""
    yield from _after(f"{' ' * indent}{written(key, flow=False)}:", value, indent)


def item(value: Json, indent: int) -> Iterator[str]:
    """An item of a list."""
    head = f"{' ' * indent}-"
    if not isinstance(value, dict | list) or not value or len(head) + 1 + len(_flow(value)) <= WIDTH:
        yield from _after(head, value, indent)
        return
    # An item that is a mapping or list begins on the line of its dash.
    first, *rest = _block(value, indent + 2)
    yield f"{head} {first[indent + 2 :]}"
    yield from rest


def _after(head: str, value: Json, indent: int) -> Iterator[str]:
    if not isinstance(value, dict | list):
        yield f"{head} {written(value, flow=False) if isinstance(value, str) else json.dumps(value)}"
        return
    inline = f"{head} {_flow(value)}"
    if not value or len(inline) <= WIDTH:
        yield inline
        return
    yield head
    yield from _block(value, indent + 2)


def _block(value: dict[str, Json] | list[Json], indent: int) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from entry(key, one, indent)
    else:
        for one in value:
            yield from item(one, indent)


def _flow(value: Json) -> str:
    match value:
        case dict():
            return f"{{{', '.join(f'{written(key, flow=True)}: {_flow(one)}' for key, one in value.items())}}}"
        case list():
            return f"[{', '.join(map(_flow, value))}]"
        case str():
            return written(value, flow=True)
        case _:
            return json.dumps(value)
