"""Policy documents: what was written, in one form for rule strings and rule mappings, each word with its place.

Nothing here has been looked up or computed yet: `wan` is a word, not a zone. Lowering does that.
Named tuples and not dataclasses: making the classes is half of what importing this module costs, and there are ten
words in a rule.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, TypeVar

from polc.source import Span


class Word(NamedTuple):
    """A word and its place."""

    text: str
    span: Span


class Names(NamedTuple):
    """Words of which one must hold, or, ``negated``, none may."""

    words: tuple[Word, ...]
    negated: bool = False


class Endpoint(NamedTuple):
    """One end of a packet: zones and addresses, of which both must hold."""

    zones: Names | None
    addresses: Names | None


class ServiceWord(NamedTuple):
    """``ssh``, ``tcp/80``, ``443`` (goes on with the protocol before it); ``protocol``: the word after ``proto``."""

    word: Word
    protocol: bool = False


class Rate(NamedTuple):
    rate: Word
    burst: Word | None
    per: tuple[Word, ...]


class Source(NamedTuple):
    endpoint: Endpoint
    span: Span


class Destination(NamedTuple):
    endpoint: Endpoint
    span: Span


class SourcePorts(NamedTuple):
    words: tuple[Word, ...]
    span: Span


class States(NamedTuple):
    words: tuple[Word, ...]
    span: Span


class Under(NamedTuple):
    """The clause ``limit``."""

    rate: Rate
    span: Span


class Over(NamedTuple):
    rate: Rate
    span: Span


class HitCount(NamedTuple):
    number: Word
    within: Word
    per: tuple[Word, ...]
    refresh: bool
    span: Span


class LogLine(NamedTuple):
    """The clause ``log``, or a rule that does nothing else."""

    prefix: Word
    level: Word | None
    span: Span


class NamedCount(NamedTuple):
    """The clause ``count NAME``."""

    name: Word
    span: Span


class OwnCount(NamedTuple):
    """The clause ``counter``: a counter of the rule's own."""

    span: Span


class HelperName(NamedTuple):
    name: Word
    span: Span


class Comment(NamedTuple):
    text: str
    span: Span


Clause = (
    Source
    | Destination
    | SourcePorts
    | States
    | Under
    | Over
    | HitCount
    | LogLine
    | NamedCount
    | OwnCount
    | HelperName
    | Comment
)

_Kind = TypeVar("_Kind", bound=Clause)


class Decision(Enum):
    ACCEPT = "accept"
    DROP = "drop"
    REJECT = "reject"


class Verdict(NamedTuple):
    """``answer`` is the type of a reject, None its default."""

    decision: Decision
    answer: Word | None
    span: Span


class RuleDocument(NamedTuple):
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


class MacroDocument(NamedTuple):
    """``use NAME``: the rules of a macro."""

    macro: Word
    comment: str
    span: Span
    id: Word | None = None


AnyRule = RuleDocument | MacroDocument
