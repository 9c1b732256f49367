"""A policy and what it includes, as one.

Files come in at the place of their `include`, in its order and before the file that includes them; so do
their rules. A file that several include comes in once, at the first place.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from polc.diagnostics import Collector, Failure, Label
from polc.policy.files import read_file
from polc.policy.library import Library
from polc.policy.nodes import Entry, Mapping, Node, Scalar, Sequence
from polc.policy.schema import UnsupportedSchema, part_gate, policy_gate
from polc.policy.variables import MARK, Values, filled
from polc.source import SourceFile, Span

SECTIONS = ("input", "forward", "output")
INGRESS = "ingress"
DEFINITIONS = ("zones", "addresses", "services", "timeouts", "flowtables", "macros", "chains")
HOOKS = {
    "raw": ("prerouting", "output"),
    "mangle": ("prerouting", "input", "forward", "output", "postrouting"),
    "nat": ("prerouting", "input", "output", "postrouting"),
}
"""Sections that have a list of rules for each of their hooks; `nat` may be one list instead."""
NAT = "nat"

MOST_FILES = 1000
DEEPEST_INCLUDE = 32


@dataclass(slots=True)
class Section:
    """A chain's rules as written. ``default`` is None where no file says it."""

    span: Span
    default: Scalar | None = None
    rules: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class RuleList:
    """Rules of a chain without a default of its own."""

    span: Span
    rules: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Merged:
    """Definitions of each kind by their names, and the sections that there are."""

    definitions: dict[str, dict[str, Entry]] = field(default_factory=lambda: {kind: {} for kind in DEFINITIONS})
    sections: dict[str, Section] = field(default_factory=dict)
    ingress: dict[str, Section] = field(default_factory=dict)
    """By the interface's name."""
    lists: dict[str, RuleList] = field(default_factory=dict)
    """By the chain's name: ``raw-prerouting``, ``mangle-forward``, ``nat-output``; ``nat`` as one list."""
    replaced: set[tuple[str, str]] = field(default_factory=set)
    """Section and name of what an inventory says in the place of what a file, or another part of it, says."""
    settings: dict[str, Entry] = field(default_factory=dict)
    tests: list[Node] = field(default_factory=list)
    assertions: list[Node] = field(default_factory=list)
    sources: list[SourceFile] = field(default_factory=list)
    """The files that were read, the policy itself first."""
    complete: bool = True
    """Whether every file could be read and was YAML or JSON."""
    broken: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in DEFINITIONS})
    """Names whose definitions broke the schema: said already, so rules may name them without another error."""


def load(path: str, collector: Collector) -> Merged:
    """Read the policy ``path`` (``-``: standard input) and its includes.

    All errors of all files go to the collector; a file that cannot be read or breaks the schema adds nothing else.
    """
    try:
        source = read_file(path, standard_input=path == "-")
    except Failure as failure:
        collector.diagnostics.extend(failure.diagnostics)
        return Merged(complete=False)
    return load_source(source, collector)


def load_source(source: SourceFile, collector: Collector) -> Merged:
    """As ``load``, of a text at hand."""
    loader = _Loader(collector)
    path = source.path
    identity = path if path == "-" else os.path.realpath(path)
    loader.seen.add(identity)
    loader.take(source, (identity,), ())
    return loader.merged


class Part(NamedTuple):
    """What a group or a host of an inventory adds: files, and ``own``, the sections of a policy without its version.

    Rules of ``own`` stand behind those of the files. What it defines, and its defaults, stand in the place of what any
    file says, and of what parts before say of their own.
    """

    include: Node | None
    own: Mapping | None


def load_parts(
    source: SourceFile, parts: Iterable[Part], values: Values, library: Library, collector: Collector
) -> Merged:
    """The policy that ``parts`` of the inventory ``source`` make, one after another, with its variables' values.

    Files are named from the inventory's place, and read from ``library``. Errors go to the collector, as in ``load``.
    """
    loader = _Loader(collector, library=library, values=values)
    loader.merged.sources.append(source)
    identity = source.path if source.path == "-" else os.path.realpath(source.path)
    for include, own in parts:
        files = filled(include, values, collector) if include else None
        loader.merged.complete &= files is not None or include is None
        loader.include(source, files, (identity,), ())
        if own is not None:
            tree = loader.own_tree(own, values)
            if tree is not None:
                loader.merge(tree, own=True)
    return loader.merged


@dataclass(slots=True)
class _Loader:
    collector: Collector
    merged: Merged = field(default_factory=Merged)
    seen: set[str] = field(default_factory=set)
    library: Library = field(default_factory=Library)
    values: Values | None = None
    """Of variables; None in a policy that no inventory asks for, in which nothing is a variable."""
    firm: set[tuple[str, str]] = field(default_factory=set)
    """Section and name of what an inventory says itself: files do not define it."""

    def take(self, source: SourceFile, chain: tuple[str, ...], through: tuple[Label, ...]) -> None:
        """Merge one file after those that it includes; ``chain`` are the files that led here, ``through`` where."""
        self.merged.sources.append(source)
        try:
            tree, passes = self.library.tree(source)
        except Failure as failure:
            self.collector.diagnostics.extend(failure.diagnostics)
            self.merged.complete = False
            return
        if self.values is not None and MARK in source.text:
            known = self.own_tree(tree, self.values)
        else:
            known = self.sound_tree(tree, passes)
        if known is None:
            return
        self.include(source, known.get("include"), chain, through)
        self.merge(known)

    def own_tree(self, tree: Node, values: Values) -> Mapping | None:
        """As ``sound_tree``, with the values of variables."""
        with_values = filled(tree, values, self.collector)
        if with_values is None:
            self.merged.complete = False
            return None
        return self.sound_tree(with_values, policy_gate()(with_values))

    def sound_tree(self, tree: Node, passes: bool) -> Mapping | None:
        """What of a tree the schema lets pass; the rest is told. None where that is nothing."""
        if passes:
            assert isinstance(tree, Mapping)
            return tree
        from polc.policy.schema_errors import explain

        explain(tree, self.collector)
        return self.sound_part(tree) if isinstance(tree, Mapping) else None

    def merge(self, tree: Mapping, *, own: bool = False) -> None:
        """Take over the sections of one tree; ``own``: as an inventory's, which comes before those of files."""
        for kind in DEFINITIONS:
            self.define(self.merged.definitions[kind], kind, tree.get(kind), own)
        self.define(self.merged.settings, "settings", tree.get("settings"), own)
        for name in SECTIONS:
            entry = tree.entries.get(name)
            if entry:
                self.section(self.merged.sections, name, entry, own)
        ingress = tree.get(INGRESS)
        for name, entry in ingress.entries.items() if isinstance(ingress, Mapping) else ():
            self.section(self.merged.ingress, name, entry, own)
        self.one_nat(tree.entries.get(NAT))
        for name, entry in _lists(tree):
            found = self.merged.lists.setdefault(name, RuleList(entry.key.span))
            found.rules += entry.value.items if isinstance(entry.value, Sequence) else ()
        tests = tree.get("tests")
        self.merged.tests += tests.items if isinstance(tests, Sequence) else ()
        assertions = tree.get("assert")
        self.merged.assertions += assertions.items if isinstance(assertions, Sequence) else ()

    def sound_part(self, tree: Mapping) -> Mapping:
        """What of a tree the schema lets pass, so that errors in the rest are found in the same run."""
        kept = {name: entry for name, entry in tree.entries.items() if _passes(f"#/properties/{name}", entry.value)}
        for name, entry in tree.entries.items():
            if name == NAT and name not in kept and isinstance(entry.value, Sequence):
                kept[name] = Entry(entry.key, _sound_rules(entry.value))
            if name in kept or not isinstance(entry.value, Mapping):
                continue
            if name in HOOKS:
                lists = {
                    hook: Entry(one.key, _sound_rules(one.value))
                    for hook, one in entry.value.entries.items()
                    if hook in HOOKS[name] and isinstance(one.value, Sequence)
                }
                kept[name] = Entry(entry.key, Mapping(lists, entry.value.span))
            elif name in DEFINITIONS:
                members = entry.value.entries
                pointer = f"#/properties/{name}/additionalProperties"
                sound = {one: member for one, member in members.items() if _passes(pointer, member.value)}
                self.merged.broken[name] |= members.keys() - sound.keys()
                kept[name] = Entry(entry.key, Mapping(sound, entry.value.span))
            elif name in SECTIONS:
                kept[name] = Entry(entry.key, _sound_section(entry.value, "#/$defs/section"))
            elif name == INGRESS:
                pointer = "#/properties/ingress/additionalProperties"
                members = {
                    one: Entry(member.key, _sound_section(member.value, pointer))
                    for one, member in entry.value.entries.items()
                    if isinstance(member.value, Mapping)
                }
                kept[name] = Entry(entry.key, Mapping(members, entry.value.span))
            elif name == "settings":
                sound = {
                    one: member
                    for one, member in entry.value.entries.items()
                    if _passes(f"#/properties/settings/properties/{one}", member.value)
                }
                kept[name] = Entry(entry.key, Mapping(sound, entry.value.span))
        return Mapping(kept, tree.span)

    def include(
        self, source: SourceFile, included: Node | None, chain: tuple[str, ...], through: tuple[Label, ...]
    ) -> None:
        written: dict[str, Span] = {}
        for node in included.items if isinstance(included, Sequence) else (included,) if included else ():
            assert isinstance(node, Scalar)
            if os.path.isabs(node.text):
                message = "an included file is named by a path relative to this one"
                self.collector.error("POL016", message, node.span)
                continue
            folder = "" if source.path == "-" else os.path.dirname(source.path)
            path = os.path.join(folder, node.text)
            identity = os.path.realpath(path) if "\0" not in path else path
            if identity in written:
                also = (Label(written[identity], "first here"),)
                self.collector.error("POL016", f"`{node.text}` is included twice", node.span, also=also)
                continue
            written[identity] = node.span
            if identity in chain:
                message = (
                    f"`{node.text}` includes itself" if len(chain) == 1 else f"`{node.text}` includes itself in the end"
                )
                circle = through[chain.index(identity) :]
                self.collector.error("POL015", message, node.span, label="closes the circle", also=circle)
            elif identity not in self.seen:
                self.seen.add(identity)
                self.open(path, node, (*chain, identity), (*through, Label(node.span, "included here")))

    def open(self, path: str, node: Scalar, chain: tuple[str, ...], through: tuple[Label, ...]) -> None:
        if len(chain) > DEEPEST_INCLUDE or len(self.seen) > MOST_FILES:
            message = f"includes go deeper than {DEEPEST_INCLUDE} files or are more than {MOST_FILES}"
            self.collector.error("POL016", message, node.span)
            return
        try:
            source = self.library.source(path)
        except Failure as failure:
            self.merged.complete = False
            for one in failure.diagnostics:
                # What has no text of its own is told at the place that asked for it.
                if one.labels:
                    self.collector.add(one)
                else:
                    self.collector.error(one.code, one.message, node.span, help=one.help)
            return
        self.take(source, chain, through)

    def define(self, known: dict[str, Entry], section: str, node: Node | None, own: bool) -> None:
        for name, entry in node.entries.items() if isinstance(node, Mapping) else ():
            if own or (section, name) in self.firm:
                if name in known:
                    self.merged.replaced.add((section, name))
                if own:
                    known[name] = entry
                    self.firm.add((section, name))
                continue
            first = known.setdefault(name, entry)
            if first is not entry:
                also = (Label(first.key.span, "first here"),)
                span = entry.key.span
                self.collector.error("POL210", f"`{name}` is defined twice", span, label="again here", also=also)

    def one_nat(self, entry: Entry | None) -> None:
        """Record POL213 where `nat` is one list in one file and a mapping in another: rules would have no order."""
        if entry is None:
            return
        listed = isinstance(entry.value, Sequence)
        for name, other in self.merged.lists.items():
            if name.startswith(NAT) and (name == NAT) is not listed:
                message = "`nat` is one list in one file, and has hooks in another"
                also = (Label(other.span, "an included file"),)
                self.collector.error("POL213", message, entry.key.span, label="this file", also=also)
                return

    def section(self, known: dict[str, Section], name: str, entry: Entry, own: bool) -> None:
        node = entry.value
        assert isinstance(node, Mapping)
        section = known.setdefault(name, Section(entry.key.span))
        default, rules = node.get("default"), node.get("rules")
        if isinstance(default, Scalar) and own:
            section.default = default
            self.firm.add(("default", name))
        elif isinstance(default, Scalar) and ("default", name) not in self.firm:
            if section.default and section.default.value != default.value:
                self.collector.error(
                    "POL213",
                    f"two files give `{name}` another default",
                    default.span,
                    label="this file",
                    also=(Label(section.default.span, "an included file"),),
                )
            section.default = section.default or default
        if isinstance(rules, Sequence):
            section.rules += rules.items


def _passes(pointer: str, node: Node) -> bool:
    try:
        return part_gate(pointer)(node)
    except UnsupportedSchema:
        return False


def _sound_section(section: Mapping, pointer: str) -> Mapping:
    kept = dict(section.entries)
    rules, default = kept.get("rules"), kept.get("default")
    if default and not _passes(f"{pointer}/properties/default", default.value):
        # Wrong, but there: that none is given would be one complaint too many. What it is no longer matters.
        drop = Scalar("drop", default.value.span)
        kept["default"] = Entry(default.key, drop)
    if rules and isinstance(rules.value, Sequence):
        kept["rules"] = Entry(rules.key, _sound_rules(rules.value))
    return Mapping(kept, section.span)


def _sound_rules(rules: Sequence) -> Sequence:
    return Sequence(tuple(rule for rule in rules.items if _passes("#/$defs/rule", rule)), rules.span)


def _lists(tree: Mapping) -> Iterator[tuple[str, Entry]]:
    """The lists of rules of one file, by the names of their chains."""
    for section, hooks in HOOKS.items():
        inside = tree.get(section)
        for hook in hooks:
            entry = inside.entries.get(hook) if isinstance(inside, Mapping) else None
            if entry:
                yield f"{section}-{hook}", entry
    nat = tree.entries.get(NAT)
    if nat and isinstance(nat.value, Sequence):
        yield NAT, nat
