"""Diagnostics for people: message, place, source line with a caret, help."""

from __future__ import annotations

from collections.abc import Iterable

from polc.diagnostics.model import Diagnostic, Label

_WIDEST_LINE = 160


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """All diagnostics, a blank line after each."""
    return "".join(f"{_one(diagnostic)}\n" for diagnostic in diagnostics)


def _one(diagnostic: Diagnostic) -> str:
    lines = [f"{diagnostic.severity.value}[{diagnostic.code}]: {diagnostic.message}"]
    if not diagnostic.labels and diagnostic.path:
        lines.append(f"  --> {_visible(diagnostic.path)}:1:1")
    for number, label in enumerate(diagnostic.labels):
        lines += _place(label, primary=number == 0)
    if diagnostic.help:
        lines.append(f"  = help: {diagnostic.help}")
    return "\n".join(lines) + "\n"


def _place(label: Label, *, primary: bool) -> list[str]:
    span = label.span
    line, column = span.source.position(span.start)
    text = span.source.line(line)
    length = max(1, min(span.end - span.start, len(text) - column + 1))
    # A generated one-line file must not fill the screen: show the neighbourhood of the place.
    first = max(0, column - 1 - _WIDEST_LINE // 2) if len(text) > _WIDEST_LINE else 0
    shown = text[first : first + _WIDEST_LINE]
    length = max(1, min(length, len(shown) - (column - 1 - first)))
    gutter = str(line)
    blank = " " * len(gutter)
    mark = ("^" if primary else "-") * length
    padding = "".join("\t" if character == "\t" else " " for character in shown[: column - 1 - first])
    arrow = "-->" if primary else ":::"
    return [
        f"{blank} {arrow} {_visible(span.source.path)}:{line}:{column}",
        f"{blank} |",
        f"{gutter} | {_visible(shown)}",
        f"{blank} | {padding}{mark}{' ' + label.message if label.message else ''}",
    ]


def _visible(text: str) -> str:
    """Control characters of a user's file must not reach the terminal."""
    return "".join(c if c == "\t" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
