"""Variables of an inventory in the trees of policies: `${name}` becomes its value, `$${` a `${` that is none.

In the place of a whole text stands the value itself, so that a port stays a number; a list takes the items of a list.
Within a text stands the value's text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass

from polc.diagnostics import Collector
from polc.diagnostics.suggest import did_you_mean
from polc.policy.nodes import Entry, Mapping, Node, Scalar, Sequence
from polc.source import Span

MARK = "${"
NAME = r"[A-Za-z_][A-Za-z0-9_-]{0,62}"
_ANY = re.compile(r"\$(\$\{)|\$\{([^}]*)\}?")
_WHOLE = re.compile(r"\$\{([^}]*)\}")

Values = AbstractMapping[str, Scalar | Sequence]


def filled(tree: Node, values: Values, collector: Collector) -> Node | None:
    """The tree with values in it; None where a variable has none, or stands where it cannot (POL082, POL083).

    What came from a variable has the place at which that is named.
    """
    filling = _Filling(values, collector)
    found = filling.node(tree)
    return None if filling.wrong else found


@dataclass(slots=True)
class _Filling:
    values: Values
    collector: Collector
    wrong: bool = False

    def node(self, node: Node) -> Node:
        match node:
            case Scalar(value=str(text)) if MARK in text:
                return self.scalar(node, text)
            case Sequence(items):
                return Sequence(tuple(self.items(items)), node.span)
            case Mapping(entries):
                for name, entry in entries.items():
                    if MARK in name:
                        self.error("POL083", "a variable cannot stand in a key", entry.key.span)
                return Mapping(
                    {name: Entry(entry.key, self.node(entry.value)) for name, entry in entries.items()}, node.span
                )
            case _:
                return node

    def items(self, items: tuple[Node, ...]) -> list[Node]:
        found: list[Node] = []
        for item in items:
            value = self.node(item)
            if isinstance(item, Scalar) and isinstance(value, Sequence):
                found += value.items
            else:
                found.append(value)
        return found

    def scalar(self, node: Scalar, text: str) -> Node:
        whole = _WHOLE.fullmatch(text)
        if whole:
            value = self.value(whole[1], node.span)
            match value:
                case Sequence(items):
                    return Sequence(tuple(_at(item, node.span) for item in items), node.span)
                case Scalar():
                    return _at(value, node.span)
                case None:
                    return node
        return Scalar(_ANY.sub(lambda found: self.words(found, node), text), node.span)

    def words(self, found: re.Match[str], node: Scalar) -> str:
        if found[1]:
            return MARK
        place = node.place(found.start(), found.end())
        if not found[0].endswith("}"):
            self.error("POL083", "`${` without `}`", place, "a text that holds `${` is written `$${`")
            return ""
        value = self.value(found[2], place)
        if isinstance(value, Sequence):
            message = f"`{found[2]}` is a list, and cannot stand within a text"
            self.error("POL083", message, place, "define a group of its addresses, and name that")
        return value.text if isinstance(value, Scalar) else ""

    def value(self, name: str, place: Span) -> Scalar | Sequence | None:
        value = self.values.get(name)
        if value is None:
            hint = did_you_mean(name, list(self.values))
            self.error("POL082", f"there is no variable `{name}`", place, hint)
        return value

    def error(self, code: str, message: str, span: Span, help: str = "") -> None:
        self.wrong = True
        self.collector.error(code, message, span, help=help)


def _at(value: Node, place: Span) -> Node:
    assert isinstance(value, Scalar)
    return Scalar(value.value, place)
