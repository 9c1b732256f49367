"""YAML 1.2 to a tree with places, from PyYAML's events.

Events and not PyYAML's own tree, because that is made by recursion, resolves scalars as YAML 1.1 does,
and knows nothing of double keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import yaml
from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from polc.diagnostics import Failure
from polc.policy.nodes import Entry, Mapping, Node, Scalar, Sequence, Value
from polc.policy.scalars import integer, number, resolve
from polc.policy.tree import DEEPEST, by_name, scalar_of, too_deep, too_long
from polc.source import SourceFile, Span

MOST_REPEATED = 100_000
"""Nodes that aliases may add to those written: more is an attack (billion laughs), not a policy."""

_TAG = "tag:yaml.org,2002:"
_SCALAR_TAGS: dict[str, Callable[[str], Value]] = {
    f"{_TAG}str": str,
    f"{_TAG}int": integer,
    f"{_TAG}float": number,
    "!": str,
}
_CONSTANT_TAGS = {f"{_TAG}null": type(None), f"{_TAG}bool": bool}
_COLLECTION_TAGS = {"seq": f"{_TAG}seq", "map": f"{_TAG}map"}


def read_yaml(source: SourceFile) -> Node:
    """The tree of a YAML text, aliases and merge keys resolved.

    Raises:
        Failure: POL004 to POL012; the first thing that is wrong, because what follows it cannot be trusted.
    """
    builder = _Builder(source)
    try:
        for event in _events(source.text):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        from polc.policy.yaml_errors import explain

        raise explain(error, source) from None
    except yaml.YAMLError as error:
        at = getattr(error, "position", 0)
        raise Failure.of("POL006", "this is not YAML", source.span(at, at + 1)) from None
    if builder.root is None:
        raise Failure.of("POL004", "the policy is empty", source.whole(), help="the least policy is `polc: 1`")
    return builder.root


class _Parser(Protocol):
    def check_event(self) -> bool: ...
    def get_event(self) -> Event | None: ...
    def dispose(self) -> None: ...


def _events(text: str) -> Iterator[Event]:
    parser: _Parser = (yaml.CLoader if yaml.__with_libyaml__ else yaml.Loader)(text)
    try:
        while parser.check_event():
            event = parser.get_event()
            if event is not None:
                yield event
    finally:
        parser.dispose()


class _Mark(Protocol):
    @property
    def index(self) -> int: ...


def _index(mark: _Mark | None) -> int:
    """The offset of a mark; events that a parser made always have one."""
    assert mark is not None
    return mark.index


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not been seen; in a mapping the items are keys and values in turn."""

    mapping: bool
    start: int
    anchor: str | None
    items: list[Node] = field(default_factory=list)
    weight: int = 1


@dataclass(slots=True)
class _Builder:
    source: SourceFile
    root: Node | None = None
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Node, int] | None] = field(default_factory=dict)
    """Name -> node and how many nodes it stands for; None while it is being read."""
    repeated: int = 0
    documents: int = 0

    def span(self, event: Event) -> Span:
        return Span(self.source, _index(event.start_mark), _index(event.end_mark))

    def take(self, event: Event) -> None:
        # The most frequent first: in a policy of ten thousand rules this is where the time goes.
        match event:
            case ScalarEvent():
                self.scalar(event)
            case CollectionStartEvent():
                self.open(event)
            case SequenceEndEvent() | MappingEndEvent():
                self.close(_index(event.end_mark))
            case AliasEvent():
                self.alias(event)
            case DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    at = _index(event.start_mark)
                    raise Failure.of(
                        "POL013",
                        "a policy is one document, and another begins here",
                        self.source.span(at, at + 3),
                        help="other files come in with `include`",
                    )

    def add(self, node: Node, weight: int) -> None:
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        top.items.append(node)
        top.weight += weight

    def define(self, anchor: str | None, node: Node, weight: int) -> None:
        if anchor is not None:
            self.anchors[anchor] = (node, weight)

    def scalar(self, event: ScalarEvent) -> None:
        span = self.span(event)
        plain = event.style is None or event.style == ""
        value = self.value(event, span) if event.tag or plain else event.value
        if isinstance(value, str):
            node = scalar_of(value, span, quoted=not plain)
        else:
            node = Scalar(value, span, span.start if event.value == span.text else None)
        self.define(event.anchor, node, 1)
        self.add(node, 1)

    def value(self, event: ScalarEvent, span: Span) -> Value:
        text, tag = event.value, event.tag
        try:
            if not tag:
                return resolve(text)
            if tag in _SCALAR_TAGS:
                return _SCALAR_TAGS[tag](text)
            resolved = resolve(text)
            if tag in _CONSTANT_TAGS and isinstance(resolved, _CONSTANT_TAGS[tag]):
                return resolved
        except ValueError:
            if not tag:
                raise too_long(span) from None
        raise _bad_tag(tag, span)

    def open(self, event: CollectionStartEvent) -> None:
        span = self.span(event)
        mapping = isinstance(event, MappingStartEvent)
        if len(self.stack) >= DEEPEST:
            raise too_deep(self.source.span(span.start, span.start + 1))
        tag, anchor = event.tag, event.anchor
        if tag and tag not in ("!", _COLLECTION_TAGS["map" if mapping else "seq"]):
            raise _bad_tag(tag, span)
        if anchor is not None:
            self.anchors[anchor] = None
        self.stack.append(_Open(mapping, span.start, anchor))

    def close(self, end: int) -> None:
        done = self.stack.pop()
        # A block ends where the next thing begins: the white space and comments between are not part of it.
        last = done.items[-1].span.end if done.items else end
        span = Span(self.source, done.start, end if self.source.text[end - 1 : end] in "]}" else max(last, done.start))
        node: Node = Mapping(_entries(done.items), span) if done.mapping else Sequence(tuple(done.items), span)
        self.define(done.anchor, node, done.weight)
        self.add(node, done.weight)

    def alias(self, event: AliasEvent) -> None:
        span = self.span(event)
        name = event.anchor
        if name not in self.anchors:
            raise Failure.of("POL009", f"there is no anchor `&{name}` before this", span)
        known = self.anchors[name]
        if known is None:
            raise Failure.of("POL009", f"`*{name}` stands within what it stands for", span)
        node, weight = known
        self.repeated += weight
        if self.repeated > MOST_REPEATED:
            raise Failure.of("POL009", f"aliases repeat more than {MOST_REPEATED} nodes", span)
        self.add(node, weight)


def _entries(items: list[Node]) -> dict[str, Entry]:
    """Entries of a mapping, with those that merge keys (`<<`) bring behind the written ones."""
    written: list[Entry] = []
    merged: list[Mapping] = []
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, Scalar):
            raise Failure.of("POL012", "a key must be text, not a list or mapping", key.span)
        if key.value == "<<" and key.at == key.span.start:
            merged += _sources(value)
        else:
            written.append(Entry(key, value))
    entries = by_name(written)
    for mapping in merged:
        for name, entry in mapping.entries.items():
            entries.setdefault(name, entry)
    return entries


def _sources(value: Node) -> list[Mapping]:
    if isinstance(value, Mapping):
        return [value]
    if isinstance(value, Sequence):
        found = [one for one in value.items if isinstance(one, Mapping)]
        if len(found) == len(value.items):
            return found
    raise Failure.of("POL009", "`<<` merges a mapping or a list of mappings", value.span)


def _bad_tag(tag: str, span: Span) -> Failure:
    shown = tag.replace(_TAG, "!!")
    return Failure.of("POL014", f"the tag `{shown}` does not fit here", span, help="polc needs no tags: leave it out")
