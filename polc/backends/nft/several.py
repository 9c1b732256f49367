"""Several tables as one file, which is loaded in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

_HEAD, _META, _TAIL = '{"nftables":[\n', '{"metainfo":{"json_schema_version":1}}', "\n]}\n"


def in_one_file(texts: Sequence[str], format: str) -> str:
    """What ``print_json`` or ``print_text`` wrote for each table, one behind the other."""
    if format == "text":
        return "\n".join(texts)
    bodies = [text.removeprefix(f"{_HEAD}{_META},\n").removesuffix(_TAIL) for text in texts]
    return _HEAD + ",\n".join((_META, *bodies)) + _TAIL
