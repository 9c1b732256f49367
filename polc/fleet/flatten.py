"""A policy with all that it includes as one text, which means the same: for whoever wants one file and no folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator

from polc.policy.address_files import LARGEST
from polc.policy.files import read_text
from polc.policy.merge import DEFINITIONS, HOOKS, INGRESS, NAT, SECTIONS, Merged, Section
from polc.policy.nodes import Entry, Mapping, Node, Scalar, plain


def flatten(merged: Merged) -> str:
    """The text of a policy that has been read without errors; each line says where its words come from.

    Raises:
        Failure: a file of addresses has gone since (POL001, POL002).
    """
    return "".join(f"{line}\n" for line in _lines(merged))


def _lines(merged: Merged) -> Iterator[str]:
    yield "polc: 1"
    yield from _definitions("settings", merged.settings.values())
    for kind in DEFINITIONS:
        yield from _definitions(kind, merged.definitions[kind].values())
    if merged.ingress:
        yield f"{INGRESS}:"
        for device, section in merged.ingress.items():
            yield f"  {_words(device)}:"
            yield from _section(section, "    ")
    for name, hooks in HOOKS.items():
        lists = [(hook, merged.lists[f"{name}-{hook}"]) for hook in hooks if f"{name}-{hook}" in merged.lists]
        if lists:
            yield f"{name}:"
        for hook, found in lists:
            yield f"  {hook}:"
            yield from _items(found.rules, "    ")
    if NAT in merged.lists:
        yield f"{NAT}:"
        yield from _items(merged.lists[NAT].rules, "  ")
    for name in SECTIONS:
        if name in merged.sections:
            yield f"{name}:"
            yield from _section(merged.sections[name], "  ")
    if merged.tests:
        yield "tests:"
        yield from _items(merged.tests, "  ")
    if merged.assertions:
        yield "assert:"
        yield from _items(merged.assertions, "  ")


def _definitions(section: str, entries: Iterable[Entry]) -> Iterator[str]:
    lines = [f"  {_words(one.name)}: {_value(one.value)}{_origin(one.value)}" for one in entries]
    if lines:
        yield f"{section}:"
        yield from lines


def _section(section: Section, indent: str) -> Iterator[str]:
    if section.default is not None:
        yield f"{indent}default: {_words(section.default.value)}{_origin(section.default)}"
    yield f"{indent}rules:"
    yield from _items(section.rules, f"{indent}  ")


def _items(nodes: Iterable[Node], indent: str) -> Iterator[str]:
    items = [f"{indent}- {_words(plain(node))}{_origin(node)}" for node in nodes]
    yield from items or [f"{indent}[]"]


def _value(node: Node) -> str:
    file = node.get("file") if isinstance(node, Mapping) else None
    return _words(_addresses(file) if isinstance(file, Scalar) else plain(node))


def _addresses(file: Scalar) -> list[str]:
    """What a file of addresses lists: a path would lead elsewhere from another folder."""
    base = file.span.source.path
    source = read_text(os.path.join("" if base == "-" else os.path.dirname(base), file.text), LARGEST)
    bare = (line.partition("#")[0].strip() for line in source.text.split("\n"))
    return [line for line in bare if line]


def _words(value: object) -> str:
    """JSON, which YAML reads as the same."""
    return json.dumps(value, ensure_ascii=False)


def _origin(node: Node) -> str:
    place = f"{node.span.source.path}:{node.span.line}"
    # A path may hold what ends a comment.
    return f"  # {place}" if place.isprintable() else ""
