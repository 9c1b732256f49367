"""Where in the text a part of an object stands: looked for only when a diagnostic points at it."""

from __future__ import annotations

import json

from polc.importers.nft_json.json_text import Item
from polc.source import Span

Path = tuple[str | int, ...]
"""The keys and numbers that lead to a part of an object: ``("rule", "expr", 2, "match")``."""

_SPACE = " \t\n\r"


def place(item: Item, path: Path) -> Span:
    """The place of the part that ``path`` leads to, or of the nearest part around it that is there."""
    text, at = item.source.text, item.start
    scan = json.JSONDecoder().raw_decode

    def skip(at: int) -> int:
        while text[at] in _SPACE:
            at += 1
        return at

    def inside(at: int, key: str | int) -> int | None:
        """The offset of the member or item ``key`` of what stands at ``at``."""
        in_object = text[at] == "{"
        if text[at] not in "{[" or in_object is not isinstance(key, str):
            return None
        at, position = skip(at + 1), 0
        while text[at] not in "}]":
            name: object = position
            if in_object:
                name, at = scan(text, at)
                at = skip(skip(at) + 1)
            if name == key:
                return at
            at = skip(scan(text, at)[1])
            at = skip(at + 1) if text[at] == "," else at
            position += 1
        return None

    for key in path:
        found = inside(at, key)
        if found is None:
            break
        at = found
    return item.source.span(at, scan(text, at)[1])


def words(path: Path) -> str:
    """``rule.expr[2].match``."""
    text = ""
    for one in path:
        text += f"[{one}]" if isinstance(one, int) else f".{one}" if text else one
    return text
