"""What both readers keep to while they build a tree: depth, keys, numbers."""

from __future__ import annotations

from collections.abc import Iterable

from polc.diagnostics import Diagnostic, Failure, Label
from polc.policy.nodes import Entry, Scalar, kind_of
from polc.source import Span

DEEPEST = 64
"""Levels of nesting that are read; a policy needs seven."""


def too_deep(span: Span) -> Failure:
    return Failure.of("POL008", f"nested more than {DEEPEST} levels deep", span)


def too_long(span: Span) -> Failure:
    return Failure.of("POL010", "the number has too many digits", span)


def not_a_character(span: Span) -> Failure:
    return Failure.of("POL003", "half of a surrogate pair is no character", span)


def by_name(written: Iterable[Entry]) -> dict[str, Entry]:
    """Entries by their keys; a whole number is the text that it was written as, such as a port in a map.

    Raises:
        Failure: POL011 for keys that are there twice, POL012 for keys that are not text; all of the mapping at once.
    """
    entries: dict[str, Entry] = {}
    wrong: list[Diagnostic] = []
    for entry in written:
        key = entry.key
        if isinstance(key.value, int) and not isinstance(key.value, bool) and key.at is not None:
            key = Scalar(key.span.text, key.span, key.at)
            entry = entry._replace(key=key)
        if not isinstance(key.value, str):
            wrong.append(
                Diagnostic(
                    "POL012",
                    f"a key must be text, not {kind_of(key)}",
                    (Label(key.span),),
                    f'write it in quotes: `"{key.span.text}"`',
                )
            )
            continue
        first = entries.setdefault(key.value, entry)
        if first is not entry:
            labels = (Label(key.span, "again here"), Label(first.key.span, "first here"))
            wrong.append(Diagnostic("POL011", f"`{key.value}` is there twice", labels))
    if wrong:
        raise Failure(wrong)
    return entries


def scalar_of(text: str, span: Span, *, quoted: bool) -> Scalar:
    """A text scalar that knows whether its source is the value letter by letter.

    Raises:
        Failure: POL003 for a lone surrogate, which only an escape can make.
    """
    source = span.source.text
    at = span.end - len(text) - quoted
    if not source.startswith(text, at) or at < span.start:
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            raise not_a_character(span)
        return Scalar(text, span)
    return Scalar(text, span, at)
