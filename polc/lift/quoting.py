"""Texts within rules."""

from __future__ import annotations

_SPECIAL = {'"': '\\"', "\\": "\\\\"}


def quoted(text: str) -> str:
    """As a rule has it: in double quotes."""
    return '"' + "".join(_SPECIAL.get(character, character) for character in text) + '"'
