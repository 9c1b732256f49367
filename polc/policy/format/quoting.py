"""How a text is written as a YAML scalar: plain where readers of YAML 1.2 and of 1.1 then read the same text."""

from __future__ import annotations

import re

from yaml.resolver import Resolver

from polc.policy.scalars import resolve

_INDICATORS = "-?:,[]{}#&*!|>'\"%@`"
_BASE_60 = re.compile(r"[-+]?[0-9]+(:[0-9.]+)+")
"""YAML 1.1 reads 22:30 as a number to base 60; readers differ in how many digits they take for one."""
_BOOLEANS = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def written(text: str, *, flow: bool) -> str:
    """The scalar that means ``text``; ``flow``: within ``[]`` or ``{}``, where fewer texts can be plain."""
    if _is_plain(text, flow):
        return text
    if '"' in text and "'" not in text and text.isprintable() and "\\" not in text:
        return f"'{text}'"
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _is_plain(text: str, flow: bool) -> bool:
    if not text or not text.isprintable() or text != text.strip() or text[0] in _INDICATORS or text.endswith(":"):
        return False
    # A colon or a question mark within a flow is one more thing that older readers stumble over.
    if ": " in text or " #" in text or (flow and any(one in ",[]{}:?" for one in text)):
        return False
    return not _is_something_else(text)


def _is_something_else(text: str) -> bool:
    if text.lower() in _BOOLEANS or text in ("---", "...") or _BASE_60.fullmatch(text):
        return True
    try:
        if not isinstance(resolve(text), str):
            return True
    except ValueError:
        return True
    patterns = Resolver.yaml_implicit_resolvers.get(text[0], [])
    return any(pattern.match(text) for _, pattern in patterns)


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
