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


class Comparison(NamedTuple):
    """``field operator values``: ``operator`` is "" where none was written, "in" for a set.

    ``bits`` are the words of the mask after ``&``, ``mask`` those after ``/``.
    """

    field: Word
    operator: Word
    values: tuple[Word, ...]
    bits: tuple[Word, ...] = ()
    mask: tuple[Word, ...] = ()


class Having(NamedTuple):
    """A word alone, such as ``fragment``."""

    word: Word


class Not(NamedTuple):
    test: Test


class AllOf(NamedTuple):
    tests: tuple[Test, ...]


class AnyOf(NamedTuple):
    tests: tuple[Test, ...]


Test = Comparison | Having | Not | AllOf | AnyOf


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


class ConnectionCount(NamedTuple):
    """The clause ``connections``: more than ``number``, or at most so many."""

    number: Word
    over: bool
    per: tuple[Word, ...]
    span: Span


class Volume(NamedTuple):
    """The clause ``quota``: a number of bytes with its unit; ``over``: once more have passed."""

    size: Word
    over: bool
    span: Span


class Condition(NamedTuple):
    """The clause ``where``."""

    test: Test
    span: Span


class LogLine(NamedTuple):
    """The clause ``log``, or a rule that does nothing else; ``pace`` is a limit of the lines alone."""

    prefix: Word
    level: Word | None
    group: Word | None
    pace: Rate | None
    span: Span


class Ban(NamedTuple):
    """The clause ``ban``: the source goes into a dynamic set. ``name`` is without its ``@``."""

    name: Word
    timeout: Word | None
    span: Span


class MarkAction(Enum):
    SET = "set"
    SAVE = "save"
    RESTORE = "restore"


class Marking(NamedTuple):
    """The clause ``mark``: ``value`` only with ``set``; ``save`` copies to the flow's mark, ``restore`` back."""

    action: MarkAction
    value: Word | None
    mask: Word | None
    span: Span


class FlowMarking(NamedTuple):
    """The clause ``ct mark set``; ``field`` is what was written."""

    field: Word
    value: Word
    mask: Word | None
    span: Span


class CodePoint(NamedTuple):
    """The clause ``dscp set``."""

    value: Word
    span: Span


class SegmentSize(NamedTuple):
    """The clause ``mss clamp``; ``size`` None is what the route's MTU allows."""

    size: Word | None
    span: Span


class NoTracking(NamedTuple):
    """The clause ``notrack``."""

    span: Span


class SynProxy(NamedTuple):
    mss: Word
    wscale: Word | None
    timestamp: bool
    sack_perm: bool
    span: Span


class Target(NamedTuple):
    """What stands after ``->``: addresses, ports, or ``none``."""

    points: tuple[Word, ...]
    span: Span


class Random(NamedTuple):
    span: Span


class Persistent(NamedTuple):
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
    | ConnectionCount
    | Volume
    | Condition
    | LogLine
    | NamedCount
    | OwnCount
    | Ban
    | Marking
    | FlowMarking
    | CodePoint
    | SegmentSize
    | NoTracking
    | SynProxy
    | Target
    | Random
    | Persistent
    | HelperName
    | Comment
)

_Kind = TypeVar("_Kind", bound=Clause)


class Decision(Enum):
    ACCEPT = "accept"
    DROP = "drop"
    REJECT = "reject"
    JUMP = "jump"
    GOTO = "goto"
    RETURN = "return"
    SNAT = "snat"
    DNAT = "dnat"
    MASQUERADE = "masquerade"
    REDIRECT = "redirect"
    NETMAP = "netmap"
    TPROXY = "tproxy"


class Verdict(NamedTuple):
    """``answer`` is the type of a reject, None its default, or the chain of a jump or goto."""

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


class NativeDocument(NamedTuple):
    """``native``: a rule in the words of targets. ``json`` are nft's statements as JSON, ``family`` None both."""

    nft: Word | None
    json: Word | None
    iptables: Word | None
    family: Word | None
    comment: str
    span: Span
    id: Word | None = None


AnyRule = RuleDocument | MacroDocument | NativeDocument
