"""A policy's tree as written, each node with its place: what the YAML and the JSON reader both make.

Named tuples, because large policies make hundreds of thousands.
"""

from __future__ import annotations

from collections.abc import Mapping as AbstractMapping
from typing import NamedTuple

from polc.source import Span

Value = str | int | float | bool | None


class Scalar(NamedTuple):
    """``value`` by the YAML 1.2 core schema. ``at`` is the offset in the file where a text stands letter by letter,
    None where the source differs from the value (escapes, folded lines).
    """

    value: Value
    span: Span
    at: int | None = None

    @property
    def text(self) -> str:
        """The value as words of the language take it: a text, or a number in decimal."""
        return self.value if isinstance(self.value, str) else str(self.value)

    def place(self, start: int, end: int) -> Span:
        """Where the characters ``start`` up to ``end`` of the value are, or else the whole scalar."""
        if self.at is None:
            return self.span
        return Span(self.span.source, self.at + start, self.at + end)


class Sequence(NamedTuple):
    items: tuple[Node, ...]
    span: Span


class Entry(NamedTuple):
    """A key, whose value is always a text, and what stands beside it."""

    key: Scalar
    value: Node

    @property
    def name(self) -> str:
        return self.key.text


class Mapping(NamedTuple):
    """Entries by their names, in the written order."""

    entries: AbstractMapping[str, Entry]
    span: Span

    def get(self, name: str) -> Node | None:
        entry = self.entries.get(name)
        return entry.value if entry else None


Node = Scalar | Sequence | Mapping


Plain = Value | list["Plain"] | dict[str, "Plain"]


def plain(node: Node) -> Plain:
    """The node's value without its places."""
    match node:
        case Scalar():
            return node.value
        case Sequence():
            return [plain(one) for one in node.items]
        case Mapping():
            return {name: plain(entry.value) for name, entry in node.entries.items()}


def kind_of(node: Node) -> str:
    """What a node is, in a person's words."""
    match node:
        case Sequence():
            return "a list"
        case Mapping():
            return "a mapping"
        case Scalar(value=str()):
            return "text"
        case Scalar(value=bool()):
            return "true or false"
        case Scalar(value=None):
            return "nothing"
        case Scalar():
            return "a number"
