"""What can be wrong with an object, and how the steps of this package say so."""

from __future__ import annotations

from dataclasses import dataclass

from polc.diagnostics import Collector, Diagnostic, Label, Severity
from polc.importers.nft_json.json_text import Item
from polc.importers.nft_json.json_value import Object
from polc.importers.nft_json.places import Path, place, words
from polc.source import Span

MALFORMED = "POL531"
MISSING = "POL532"
NEVER = "POL533"
LOST = "POL534"
NEAR = "POL535"


class Unknown(Exception):
    """Something that the IR has no words for; ``reason`` is fit for a diagnostic: lowercase, without a full stop."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Malformed(Exception):
    """The part of an object at ``path`` is not what libnftables-json(5) says."""

    def __init__(self, message: str, path: Path = (), code: str = MALFORMED, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.code = code
        self.help = help

    def below(self, *path: str | int) -> Malformed:
        """The same, seen from an object that has this one at ``path``."""
        return Malformed(self.message, (*path, *self.path), self.code, self.help)


@dataclass(frozen=True, slots=True)
class Entry:
    """An object of a table: what stands at ``path`` of an item."""

    value: Object
    item: Item
    path: Path

    @property
    def span(self) -> Span:
        return self.item.span

    def place(self, path: Path) -> Span:
        return place(self.item, (*self.path, *path))


@dataclass(frozen=True, slots=True)
class Reporter:
    """Says what is wrong with entries, or near to it."""

    collector: Collector

    def malformed(self, entry: Entry, problem: Malformed) -> None:
        self.error(entry, problem.code, problem.message, problem.path, problem.help)

    def error(self, entry: Entry, code: str, message: str, path: Path = (), help: str = "") -> None:
        at = words((*entry.path, *path))
        self.collector.add(Diagnostic(code, f"{message} (at `{at}`)", (Label(entry.place(path)),), help))

    def warn(self, entry: Entry, code: str, message: str, path: Path = (), help: str = "") -> None:
        self.collector.add(Diagnostic(code, message, (Label(entry.place(path)),), help, Severity.WARNING))
