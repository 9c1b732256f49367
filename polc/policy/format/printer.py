"""Writes the tree of a YAML text in canonical form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from polc.policy.format.order import Place, child_place, rank
from polc.policy.format.quoting import written
from polc.policy.format.rule_strings import canonical_rule
from polc.policy.format.tree import Collection, Leaf, Line, Node, Text

WIDTH = 120
"""Columns of the longest line on which a flow list or mapping stays a flow."""


def print_text(text: Text) -> str:
    """The canonical text; keys keep their order in a file with anchors, because an alias must follow its anchor."""
    lines = [*text.head]
    root = text.root
    if isinstance(root, Leaf) or root.flow or not root.lines:
        lines.append(_inline(root, Place.POLICY, flow=False, sort=not text.anchors))
    else:
        lines += _block(root, 0, Place.POLICY, not text.anchors)
    return "\n".join(_single_blanks([*lines, *text.tail])) + "\n"


def _single_blanks(lines: Iterable[str]) -> Iterator[str]:
    """No blank line at the top or the bottom, nor two in a row."""
    waiting = False
    said = False
    for line in lines:
        if not line:
            waiting = said
            continue
        if waiting:
            yield ""
        waiting, said = False, True
        yield line


def _block(node: Collection, indent: int, place: Place, sort: bool) -> Iterator[str]:
    margin = " " * indent
    for line in _in_order(node, place, sort):
        # Before the line itself is written, because it takes comments away from what stands within.
        above = [*_hoisted(line, place, sort), *line.above]
        body = list(_line(line, indent, place, sort))
        yield from (margin + one if one else "" for one in above)
        yield body[0] + _beside(line, body[0])
        yield from body[1:]
        yield from (margin + one if one else "" for one in line.below)


def _in_order(node: Collection, place: Place, sort: bool) -> list[Line]:
    return sorted(node.lines, key=lambda line: rank(place, _name(line))) if sort and node.mapping else node.lines


def _name(line: Line) -> str | None:
    return (line.key.value or line.key.source) if line.key else None


def _hoisted(line: Line, place: Place, sort: bool) -> list[str]:
    """Comments between the dash of an item and the first key within it, which share a line when written."""
    inside = line.value
    if line.key is not None or isinstance(inside, Leaf) or inside.flow or not inside.lines or inside.anchor:
        return []
    first = _in_order(inside, child_place(place, None), sort)[0]
    found = [one for one in first.above if one]
    first.above = []
    if line.beside:
        found.insert(0, line.beside)
        line.beside = ""
    return [*_hoisted(first, child_place(place, None), sort), *found]


def _beside(line: Line, text: str) -> str:
    # Comments that stood under one another go on doing so, where there is room.
    return f"{' ' * max(line.column - len(text), 2)}{line.beside}" if line.beside else ""


def _line(line: Line, indent: int, place: Place, sort: bool) -> Iterator[str]:
    inner = child_place(place, _name(line))
    key = f"{_leaf(line.key, Place.OTHER, flow=False)}:" if line.key else "-"
    margin = " " * indent
    value = line.value
    if isinstance(value, Leaf) or not value.lines or value.flow:
        inline = _inline(value, inner, flow=False, sort=sort)
        if isinstance(value, Leaf) or not value.lines or len(margin) + len(key) + 1 + len(inline) <= WIDTH:
            yield f"{margin}{key} {inline}".rstrip()
            return
        value.flow = False
    if line.key is None and not value.anchor:
        # An item that is a mapping or list begins on the line of its dash.
        first, *rest = _block(value, indent + 2, inner, sort)
        yield f"{margin}- {first[indent + 2 :]}"
        yield from rest
        return
    yield f"{margin}{key} {value.anchor}".rstrip()
    yield from _block(value, indent + 2, inner, sort)


def _inline(node: Node, place: Place, *, flow: bool, sort: bool) -> str:
    if isinstance(node, Leaf):
        return _leaf(node, place, flow=flow)
    parts = []
    for line in _in_order(node, place, sort):
        inner = child_place(place, _name(line))
        value = _inline(line.value, inner, flow=True, sort=sort)
        parts.append(f"{_leaf(line.key, Place.OTHER, flow=True)}: {value}".rstrip() if line.key else value)
    inside = ", ".join(parts)
    return node.anchor + (f"{{{inside}}}" if node.mapping else f"[{inside}]")


def _leaf(leaf: Leaf, place: Place, *, flow: bool) -> str:
    if leaf.value is None:
        return leaf.anchor + leaf.source if leaf.source or not flow else f"{leaf.anchor}null"
    text = canonical_rule(leaf.value) if place is Place.RULE else leaf.value
    return leaf.anchor + written(text, flow=flow)
