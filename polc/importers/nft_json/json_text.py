"""The text of a file as the objects of its list, each with its place.

The standard library's scanner reads one object of ``{"nftables": [...]}`` at a time, so that where each begins and
ends is known at the speed of C. Places inside an object are looked for when somebody asks (``places.py``).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from polc.diagnostics import Failure
from polc.importers.nft_json.json_value import Json, Object, compact
from polc.source import SourceFile, Span

_SPACE = re.compile(r"[ \t\n\r]*")
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_KEY: Final = "nftables"
_DEEPEST: Final = 64
"""Levels of lists and objects in each other; rules of real rulesets have about twelve."""

_WORDS = {
    "Expecting value": "a value is expected here",
    "Expecting property name enclosed in double quotes": "a key in double quotes is expected here",
    "Expecting ':' delimiter": "`:` is expected after the key",
    "Expecting ',' delimiter": "`,` or the end of the list or object is expected here",
    "Illegal trailing comma before end of object": "a key in double quotes is expected after the comma",
    "Illegal trailing comma before end of array": "a value is expected after the comma",
    "Unterminated string starting at": "this text does not end",
    "Invalid control character at": "a line break or another control character stands in this text",
    "Invalid \\escape": "this is no escape of JSON",
    "Invalid \\uXXXX escape": "four hexadecimal digits are expected behind `\\u`",
}
"""What the standard library's scanner says (json/decoder.py), in our words."""


@dataclass(frozen=True, slots=True)
class Item:
    """One object of the list: characters ``start`` up to ``end`` of the source."""

    value: Object
    source: SourceFile
    start: int
    end: int

    @property
    def span(self) -> Span:
        return self.source.span(self.start, self.end)


def read_items(source: SourceFile) -> list[Item]:
    """The objects of the list ``nftables``, which is all that libnftables reads of a document.

    Raises:
        Failure: POL003, POL007, POL008, POL010 or POL011 where the text is no JSON, or unsafe to read; POL530 where
            it is no document of libnftables.
    """
    reader = _Reader(source)
    found = reader.document()
    if _ESCAPED_SURROGATE.search(source.text):
        for one in found:
            if _SURROGATE.search(compact(one.value)):
                raise Failure.of("POL003", "half of a surrogate pair stands in a text here", one.span)
    return found


class _KeyTwiceError(Exception):
    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


def _object(pairs: list[tuple[str, Json]]) -> Object:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _KeyTwiceError(key)
            seen.add(key)
    return found


def _is_deep(value: Json) -> bool:
    level: list[Json] = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


class _NoNumberError(Exception):
    pass


def _constant(word: str) -> float:
    raise _NoNumberError(word)


class _Reader:
    """Methods take an offset and give what stands there and the offset behind it."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        self.text = source.text
        self.scan = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant).raw_decode

    def document(self) -> list[Item]:
        at = self.skip(0)
        if not self.at(at, "{"):
            if at < len(self.text):
                self.value(at)
            raise self.no_document(at, len(self.text))
        found: list[Item] | None = None
        at = self.skip(at + 1)
        while found is None or not self.at(at, "}"):
            if found is not None:
                at = self.skip(self.expect(",", at, "`,` or `}` is expected here"))
            start = at
            if not self.at(at, '"'):
                if self.at(at, "}"):
                    raise self.no_document(at, at + 1)
                raise self.wrong("a key in double quotes is expected here", at)
            key, at = self.value(at)
            at = self.skip(self.expect(":", self.skip(at), "`:` is expected after the key"))
            if key != _KEY or found is not None:
                raise self.no_document(start, self.value(at)[1])
            if not self.at(at, "["):
                raise self.no_document(at, self.value(at)[1])
            found, at = self.elements(at)
            at = self.skip(at)
        at = self.skip(at + 1)
        if at < len(self.text):
            raise self.wrong("something follows the end of the document", at)
        return found

    def elements(self, at: int) -> tuple[list[Item], int]:
        found: list[Item] = []
        at = self.skip(at + 1)
        while not self.at(at, "]"):
            if found:
                at = self.skip(self.expect(",", at, "`,` or `]` is expected here"))
            value, end = self.value(at)
            if not isinstance(value, dict):
                raise Failure.of("POL530", "each item of the list `nftables` is an object", self.source.span(at, end))
            if _is_deep(value):
                raise self.too_deep(at)
            found.append(Item(value, self.source, at, end))
            at = self.skip(end)
        return found, at + 1

    def value(self, at: int) -> tuple[Json, int]:
        """Raises:
        Failure: what stands there is no JSON, or none that we read.
        """
        try:
            found: tuple[Json, int] = self.scan(self.text, at)
        except json.JSONDecodeError as error:
            raise self.wrong(_WORDS.get(error.msg, "it breaks off here"), error.pos) from None
        except RecursionError:
            raise self.too_deep(at) from None
        except ValueError:
            raise Failure.of("POL010", "a number in this object has too many digits", self.span(at)) from None
        except _KeyTwiceError as error:
            raise Failure.of("POL011", f"an object in here has the key `{error.key}` twice", self.span(at)) from None
        except _NoNumberError as error:
            raise self.wrong(f"`{error}`, which stands in this object, is no number", at) from None
        return found

    def skip(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        return found.end() if found else at

    def at(self, at: int, character: str) -> bool:
        return self.text.startswith(character, at)

    def expect(self, character: str, at: int, message: str) -> int:
        if not self.at(at, character):
            raise self.wrong(message, at)
        return at + 1

    def span(self, at: int) -> Span:
        return self.source.span(at, at + 1)

    def wrong(self, message: str, at: int) -> Failure:
        return Failure.of("POL007", f"this is not JSON: {message}", self.span(at))

    def too_deep(self, at: int) -> Failure:
        return Failure.of("POL008", "lists and objects stand in each other too deep here", self.span(at))

    def no_document(self, at: int, end: int) -> Failure:
        return Failure.of(
            "POL530",
            "this is no document of libnftables, which is an object with the one key `nftables` and a list in it",
            self.source.span(at, end),
            help="what `nft -j list ruleset` prints, or what `nft -j -f` reads",
        )
