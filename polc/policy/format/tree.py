"""A YAML text as a tree that forgets no comment: what the printer writes again.

Places are found in PyYAML's tokens.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import yaml
from yaml.events import AliasEvent, CollectionStartEvent, Event, MappingStartEvent, ScalarEvent
from yaml.tokens import BlockEntryToken, DirectiveToken, ScalarToken, TagToken, Token

from polc.diagnostics import Failure
from polc.policy.comments import between, tokens
from polc.policy.scalars import resolve
from polc.source import SourceFile

_GAP = re.compile(r"#[^\n]*|\n[ \t\r]*(?=\n)")


@dataclass(slots=True)
class Leaf:
    """A scalar or an alias. ``value`` is None where only ``source``, its text, says what it is (5, true, *name)."""

    source: str
    value: str | None
    anchor: str = ""


@dataclass(slots=True)
class Line:
    """An entry of a mapping or, where ``key`` is None, an item of a list: what in block style has a line of its own.

    ``above`` and ``below`` are whole lines of comments, an empty one for a blank line; ``beside`` is a comment at
    the line's end, which stood at ``column``.
    """

    key: Leaf | None
    value: Node
    start: int
    indent: int
    above: list[str] = field(default_factory=list)
    beside: str = ""
    column: int = 0
    below: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Collection:
    mapping: bool
    flow: bool
    lines: list[Line]
    anchor: str = ""
    start: int = 0
    end: int = 0


Node = Leaf | Collection


@dataclass(slots=True)
class Text:
    """A whole file; ``head`` are the lines before it all, ``tail`` those after."""

    root: Node
    head: list[str]
    tail: list[str]
    anchors: bool


class _Reader(Protocol):
    def check_event(self) -> bool: ...
    def get_event(self) -> Event | None: ...


def _reader(text: str) -> _Reader:
    made: _Reader = (yaml.CLoader if yaml.__with_libyaml__ else yaml.Loader)(text)
    return made


def read_text(source: SourceFile) -> Text:
    """The tree of a text that has been read as a policy already.

    Raises:
        Failure: POL052 for what the printer cannot write again.
    """
    found = _tokens(source)
    reader = _reader(source.text)
    events = iter(lambda: reader.get_event() if reader.check_event() else None, None)
    builder = _Builder(source, [token.start_mark.index for token in found if isinstance(token, BlockEntryToken)])
    root: Node | None = None
    for event in events:
        if isinstance(event, ScalarEvent | AliasEvent | CollectionStartEvent):
            root = builder.node(event, events)
    assert root is not None
    anchors = any(type(token).__name__ in ("AnchorToken", "AliasToken") for token in found)
    text = Text(root, [], [], anchors)
    _Comments(source.text, found, text).attach()
    return text


def _tokens(source: SourceFile) -> list[Token]:
    found: list[Token] = []
    for token in tokens(source.text):
        found.append(token)
        start, end = token.start_mark.index, token.end_mark.index
        if isinstance(token, DirectiveToken | TagToken):
            raise Failure.of("POL052", "tags and directives cannot be formatted", source.span(start, end))
        block = isinstance(token, ScalarToken) and token.style in ("|", ">")
        if block and "#" in source.text[start:end]:
            raise Failure.of(
                "POL052",
                "a block text with `#` in it cannot be formatted",
                source.span(start, start + 1),
                help="write it in quotes",
            )
    return found


class _Mark(Protocol):
    @property
    def index(self) -> int: ...


def _index(mark: _Mark | None) -> int:
    """The offset of a mark; events that a parser made always have one."""
    assert mark is not None
    return mark.index


@dataclass(slots=True)
class _Builder:
    source: SourceFile
    dashes: list[int]

    def node(self, event: ScalarEvent | AliasEvent | CollectionStartEvent, events: Iterator[Event]) -> Node:
        if isinstance(event, AliasEvent):
            return Leaf(f"*{event.anchor}", None)
        anchor = f"&{event.anchor} " if event.anchor else ""
        if isinstance(event, ScalarEvent):
            if event.style:
                return Leaf("", event.value, anchor)
            text = isinstance(resolve(event.value), str) and event.value != "<<"
            return Leaf(event.value, event.value if text else None, anchor)
        flow = bool(event.flow_style)
        made = Collection(isinstance(event, MappingStartEvent), flow, [], anchor, start=_index(event.start_mark))
        for child in events:
            if not isinstance(child, ScalarEvent | AliasEvent | CollectionStartEvent):
                made.end = _index(child.end_mark)
                break
            at = _index(child.start_mark)
            key = None
            if made.mapping:
                named = self.node(child, events)
                assert isinstance(named, Leaf)
                key, child = named, next(events)
                assert isinstance(child, ScalarEvent | AliasEvent | CollectionStartEvent)
            elif not flow:
                at = self.dashes[bisect_right(self.dashes, at) - 1]
            column = self.source.position(at)[1] - 1
            made.lines.append(Line(key, self.node(child, events), at, column))
        return made


@dataclass(slots=True)
class _Comments:
    """Gives each comment and blank line to the line that it speaks of."""

    text: str
    tokens: list[Token]
    tree: Text

    def attach(self) -> None:
        lines: list[Line] = []
        parents: dict[int, Line] = {}
        gaps = list(self.gaps())
        self.unfold(self.tree.root, [at for at, comment in gaps if comment], None, lines, parents)
        starts = [line.start for line in lines]
        settled = -1
        for at, comment in gaps:
            number = bisect_right(starts, at)
            before = lines[number - 1] if number else None
            after = lines[number] if number < len(lines) else None
            line_start = self.text.rfind("\n", 0, at) + 1
            column = at - line_start
            if comment and self.text[line_start:at].strip() and before is not None:
                if before.beside:
                    before.above.append(before.beside)
                before.beside, before.column = comment, column
                continue
            owner = None
            if comment and before is not None and settled != number:
                owner = _owner(before, after, column, parents)
            if owner is not None:
                owner.below.append(comment)
                continue
            if comment:
                settled = number
            (after.above if after is not None else self.tree.tail).append(comment)
        if lines:
            self.split_head(lines[0])

    def split_head(self, first: Line) -> None:
        """What stands above a blank line at the top speaks of the file, and not of its first key."""
        above = first.above
        cut = max((number for number, one in enumerate(above) if not one), default=-1) + 1
        self.tree.head, first.above = above[:cut], above[cut:]

    def gaps(self) -> Iterator[tuple[int, str]]:
        """Comments, and blank lines as empty ones, with their offsets."""
        for start, end in between(self.text, self.tokens):
            for one in _GAP.finditer(self.text, start, end):
                yield one.start(), one.group().rstrip() if one.group().startswith("#") else ""

    def unfold(
        self, node: Node, comments: list[int], parent: Line | None, lines: list[Line], parents: dict[int, Line]
    ) -> None:
        """List the lines in their order; a flow with a comment in it becomes a block, so that it has lines."""
        if isinstance(node, Leaf):
            return
        if node.flow:
            first = bisect_right(comments, node.start)
            if first >= len(comments) or comments[first] >= node.end:
                return
            node.flow = False
        for line in node.lines:
            lines.append(line)
            if parent is not None:
                parents[id(line)] = parent
            self.unfold(line.value, comments, line, lines, parents)


def _owner(before: Line, after: Line | None, column: int, parents: dict[int, Line]) -> Line | None:
    """The line above that a comment belongs to by its indentation: it stands deeper than what follows."""
    least = after.indent if after is not None else 0
    line: Line | None = before
    while line is not None and line.indent > column:
        line = parents.get(id(line))
    if line is None:
        return None
    # The dashes of a list may stand as far left as the keys around it, and are deeper all the same.
    unindented = line.key is None and line.indent == least and column > least
    return line if line.indent > least or unindented else None
