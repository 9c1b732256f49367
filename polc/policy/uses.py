"""Which definitions of a policy are used, and by what: read off the words of its rules, before they mean anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from polc.ir.reachable import reachable
from polc.policy.document import (
    Ban,
    Decision,
    Endpoint,
    MacroDocument,
    NativeDocument,
    Offloading,
    ServiceWord,
    TimeoutName,
    Verdict,
    Word,
)
from polc.policy.lower.sections import Written
from polc.policy.lower.symbols import service_definition
from polc.policy.merge import Merged
from polc.policy.nodes import Entry, Node, Scalar, Sequence
from polc.policy.nodes import Mapping as MappingNode
from polc.policy.rule_mapping import service_words


class Name(NamedTuple):
    """``kind`` is a section of definitions, such as ``zones``."""

    kind: str
    text: str


class Unused(NamedTuple):
    """A definition that no chain of the kernel leads to; ``user`` is one that names it and is not used itself."""

    name: Name
    entry: Entry
    user: Entry | None = None


class Uses(NamedTuple):
    """The definitions, what each names, and what the kernel's chains and the settings name."""

    entries: Mapping[Name, Entry]
    names: Mapping[Name, frozenset[Name]]
    roots: frozenset[Name]

    def reach(self, roots: frozenset[Name]) -> frozenset[Name]:
        """The definitions that ``roots`` name, with those that they name in turn."""
        own = self.names.keys()
        return frozenset(reachable(own & roots, lambda name: own & self.names[name]))

    def unused(self) -> Iterator[Unused]:
        """In the order of the files."""
        used = self.reach(self.roots)
        users: dict[Name, Name] = {}
        for user, named in self.names.items():
            if user not in used:
                for name in named - {user}:
                    users.setdefault(name, user)
        for name, entry in self.entries.items():
            if name not in used:
                yield Unused(name, entry, self.entries[users[name]] if name in users else None)


def uses_of(merged: Merged, written: Written) -> Uses:
    """The uses of a policy that has no errors.

    A `ban` fills a group, and that alone is no use of it. What assertions name is used.
    """
    entries = {Name(kind, name): entry for kind, found in merged.definitions.items() for name, entry in found.items()}
    named = {name: frozenset(_of_definition(name, entry, written)) for name, entry in entries.items()}
    roots = {name for rules in written.base.values() for name in names_in(rules)}
    management = merged.settings.get("management")
    if management:
        words, _ = service_words(management.value)
        roots |= set(names_in(words))
    if merged.assertions:
        from polc.policy.assertion_text import read_assertions  # only here: most policies have none

        roots |= set(names_in(tuple(read_assertions(merged.assertions))))
    return Uses(entries, named, frozenset(roots))


def _of_definition(name: Name, entry: Entry, written: Written) -> Iterator[Name]:
    node = entry.value
    match name.kind:
        case "chains":
            yield from names_in(written.chains[name.text])
        case "macros":
            yield from names_in(written.macros[name.text] or ())
        case "services":
            yield from names_in(service_definition(entry).words)
        case "timeouts" | "flowtables":
            pass
        case "zones":
            yield from _groups(node.get("addresses") if isinstance(node, MappingNode) else None)
        case _:
            yield from _groups(node)


def _groups(node: Node | None) -> Iterator[Name]:
    for one in node.items if isinstance(node, Sequence) else (node,):
        if isinstance(one, Scalar) and one.text.startswith("@"):
            yield Name("addresses", one.text[1:])


def names_in(part: object) -> Iterator[Name]:
    """The names in a document or a part of one; some are built in, and some are no names (`tcp/22`)."""
    match part:
        case MacroDocument(macro):
            yield Name("macros", macro.text)
        case Verdict(Decision.JUMP | Decision.GOTO, Word(text)):
            yield Name("chains", text)
        case TimeoutName(Word(text)):
            yield Name("timeouts", text)
        case Offloading(Word(text)):
            yield Name("flowtables", text)
        case Endpoint(zones, addresses):
            for word in zones.words if zones else ():
                yield Name("zones", word.text)
            yield from names_in(addresses)
        case ServiceWord(word, protocol):
            if not protocol:
                yield Name("services", word.text)
        case Word(text):
            if text.startswith("@"):
                yield Name("addresses", text[1:])
        case Ban() | NativeDocument():
            pass
        case tuple():
            for child in part:
                yield from names_in(child)
