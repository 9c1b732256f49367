"""Policy documents: what was written, in one form for rule strings and rule mappings, each word with its place.

Nothing here has been looked up or computed yet: `wan` is a word, not a zone. Lowering does that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, TypeVar

from polc.source import Span


class Word(NamedTuple):
    """A word and its place; a named tuple because there are ten in a rule."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Names:
    """Words of which one must hold, or, ``negated``, none may."""

    words: tuple[Word, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One end of a packet: zones and addresses, of which both must hold."""

    zones: Names | None
    addresses: Names | None


@dataclass(frozen=True, slots=True)
class ServiceWord:
    """``ssh``, ``tcp/80``, ``443`` (goes on with the protocol before it); ``protocol``: the word after ``proto``."""

    word: Word
    protocol: bool = False


@dataclass(frozen=True, slots=True)
class Rate:
    rate: Word
    burst: Word | None
    per: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Source:
    endpoint: Endpoint
    span: Span


@dataclass(frozen=True, slots=True)
class Destination:
    endpoint: Endpoint
    span: Span


@dataclass(frozen=True, slots=True)
class SourcePorts:
    words: tuple[Word, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class States:
    words: tuple[Word, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Under:
    """The clause ``limit``."""

    rate: Rate
    span: Span


@dataclass(frozen=True, slots=True)
class Over:
    rate: Rate
    span: Span


@dataclass(frozen=True, slots=True)
class HitCount:
    count: Word
    within: Word
    per: tuple[Word, ...]
    refresh: bool
    span: Span


@dataclass(frozen=True, slots=True)
class HelperName:
    name: Word
    span: Span


@dataclass(frozen=True, slots=True)
class Comment:
    text: str
    span: Span


Clause = Source | Destination | SourcePorts | States | Under | Over | HitCount | HelperName | Comment

_Kind = TypeVar("_Kind", Source, Destination, SourcePorts, States, Under, Over, HitCount, HelperName, Comment)


class Decision(Enum):
    ACCEPT = "accept"
    DROP = "drop"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``answer`` is the type of a reject, None its default."""

    decision: Decision
    answer: Word | None
    span: Span


@dataclass(frozen=True, slots=True)
class RuleDocument:
    """A rule; without a verdict its packets go on to the next. Each kind of clause is there at most once."""

    verdict: Verdict | None
    service: tuple[ServiceWord, ...]
    clauses: tuple[Clause, ...]
    span: Span
    id: Word | None = None

    def find(self, kind: type[_Kind]) -> _Kind | None:
        for clause in self.clauses:
            if isinstance(clause, kind):
                return clause
        return None


@dataclass(frozen=True, slots=True)
class MacroDocument:
    """``use NAME``: the rules of a macro."""

    macro: Word
    comment: str
    span: Span
    id: Word | None = None


AnyRule = RuleDocument | MacroDocument
