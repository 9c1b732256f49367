"""JSON (RFC 8259) to a tree with places.

YAML 1.2 contains JSON, but PyYAML's scanner does not: surrogate pairs, tabs and long keys stop it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from polc.diagnostics import Failure
from polc.policy.nodes import Entry, Mapping, Node, Scalar, Sequence
from polc.policy.scalars import integer, number
from polc.policy.tree import DEEPEST, by_name, scalar_of, too_deep, too_long
from polc.source import SourceFile

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z_]+")
_ESCAPE = re.compile(r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))")
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_CONSTANTS = {"true": True, "false": False, "null": None}


def read_json(source: SourceFile) -> Node:
    """The tree of a JSON text.

    Raises:
        Failure: POL007 where it is no JSON, POL003 to POL012 as the YAML reader.
    """
    reader = _Reader(source)
    node, at = reader.value(reader.skip(0), 1)
    at = reader.skip(at)
    if at < len(source.text):
        raise reader.wrong("something follows the end of the policy", at)
    return node


class _Reader(NamedTuple):
    """Methods take an offset and give what stands there and the offset after it; depth is bounded, so recursion is."""

    source: SourceFile

    def skip(self, at: int) -> int:
        found = _SPACE.match(self.source.text, at)
        return found.end() if found else at

    def wrong(self, message: str, at: int) -> Failure:
        return Failure.of("POL007", f"this is not JSON: {message}", self.source.span(at, at + 1))

    def value(self, at: int, depth: int) -> tuple[Node, int]:
        text = self.source.text
        match text[at : at + 1]:
            case "{" | "[" as opening:
                if depth > DEEPEST:
                    raise too_deep(self.source.span(at, at + 1))
                return self.mapping(at, depth) if opening == "{" else self.sequence(at, depth)
            case '"':
                return self.string(at)
            case "":
                raise self.wrong("a value is missing at its end", at)
        found = _NUMBER.match(text, at)
        if found:
            return self.number(found), found.end()
        word = _WORD.match(text, at)
        if word and word.group() in _CONSTANTS:
            return Scalar(_CONSTANTS[word.group()], self.source.span(*word.span())), word.end()
        raise self.wrong("a value is expected here", at)

    def number(self, found: re.Match[str]) -> Scalar:
        span = self.source.span(*found.span())
        try:
            value = number(found.group()) if found.group(1) or found.group(2) else integer(found.group())
        except ValueError:
            raise too_long(span) from None
        return Scalar(value, span, span.start)

    def string(self, at: int) -> tuple[Scalar, int]:
        found = _STRING.match(self.source.text, at)
        if not found:
            raise self.wrong("this text does not end, or has a line break or a wrong escape in it", at)
        value = found.group()[1:-1]
        if "\\" in value:
            value = _ESCAPE.sub(_unescape, value)
        return scalar_of(value, self.source.span(*found.span()), quoted=True), found.end()

    def sequence(self, start: int, depth: int) -> tuple[Sequence, int]:
        items: list[Node] = []
        at = self.skip(start + 1)
        while self.source.text[at : at + 1] != "]" or items:
            item, at = self.value(at, depth + 1)
            items.append(item)
            at, ended = self.after(at, "]")
            if ended:
                break
        else:
            at += 1
        return Sequence(tuple(items), self.source.span(start, at)), at

    def mapping(self, start: int, depth: int) -> tuple[Mapping, int]:
        entries: list[Entry] = []
        at = self.skip(start + 1)
        while self.source.text[at : at + 1] != "}" or entries:
            if self.source.text[at : at + 1] != '"':
                raise self.wrong("a key in double quotes is expected here", at)
            key, at = self.string(at)
            at = self.skip(at)
            if self.source.text[at : at + 1] != ":":
                raise self.wrong("`:` is expected after the key", at)
            value, at = self.value(self.skip(at + 1), depth + 1)
            entries.append(Entry(key, value))
            at, ended = self.after(at, "}")
            if ended:
                break
        else:
            at += 1
        return Mapping(by_name(entries), self.source.span(start, at)), at

    def after(self, at: int, closing: str) -> tuple[int, bool]:
        """Past the comma or the closing bracket that must follow an item, and whether it was the bracket."""
        at = self.skip(at)
        found = self.source.text[at : at + 1]
        if found == closing:
            return at + 1, True
        if found != ",":
            raise self.wrong(f"`,` or `{closing}` is expected here", at)
        return self.skip(at + 1), False


def _unescape(found: re.Match[str]) -> str:
    high, low, single, short = found.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
    if single:
        return chr(int(single, 16))
    return _SHORT.get(short, short)
