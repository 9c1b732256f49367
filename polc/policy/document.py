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
    """``size`` is how many keys are kept at most."""

    rate: Word
    burst: Word | None
    per: tuple[Word, ...]
    size: Word | None = None


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
    size: Word | None = None


class ConnectionCount(NamedTuple):
    """The clause ``connections``: more than ``number``, or at most so many."""

    number: Word
    over: bool
    per: tuple[Word, ...]
    span: Span
    size: Word | None = None


class Sighting(NamedTuple):
    """The clause ``recent``: what is done with the list ``name``, and what is asked of it."""

    verb: Word
    name: Word
    within: Word | None
    number: Word | None
    per: tuple[Word, ...]
    flags: tuple[Word, ...]
    negated: bool
    span: Span


class Turn(NamedTuple):
    """The clause ``nth``: one packet in ``number``, of which ``packet`` says which, counted from 0."""

    number: Word
    packet: Word | None
    span: Span


class Chance(NamedTuple):
    """The clause ``probability``."""

    value: Word
    span: Span


class NativeWords(NamedTuple):
    """``native`` beside clauses: what more the rule asks and does, in the words of one target."""

    iptables: Word | None
    json: Word | None
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
    """The clause ``log``, or a rule that does nothing else; ``pace`` is a limit of the lines alone.

    ``snaplen`` and ``threshold`` (``queue-threshold``) go with a group.
    """

    prefix: Word
    level: Word | None
    group: Word | None
    pace: Rate | None
    span: Span
    flags: tuple[Word, ...] = ()
    snaplen: Word | None = None
    threshold: Word | None = None


class Ban(NamedTuple):
    """The clause ``ban``: the source, or what ``per`` says, goes into a dynamic set. ``name`` is without its ``@``."""

    name: Word
    timeout: Word | None
    span: Span
    per: tuple[Word, ...] = ()


class Selection(NamedTuple):
    """What a map looks up: the parts of its key, such as ``saddr`` and ``tcp dport``, with one space between words."""

    parts: tuple[Word, ...]
    span: Span


class Entry(NamedTuple):
    """An element of a map: ``place`` are the values of the key's parts; ``verdict`` or ``point`` is where it leads."""

    place: tuple[Word, ...]
    span: Span
    verdict: Verdict | None = None
    point: Word | None = None


class Map(NamedTuple):
    """``vmap`` and ``map``: of ``entries``, the one that a packet's key is in says what the rule does."""

    key: Selection
    entries: tuple[Entry, ...]
    span: Span


class MarkAction(Enum):
    """``XOR`` flips bits."""

    SET = "set"
    XOR = "xor"
    SAVE = "save"
    RESTORE = "restore"


class Marking(NamedTuple):
    """The clause ``mark``: ``value``, or ``map``, only with ``set``, ``value`` with ``xor``; ``save`` copies to the
    flow's mark, ``restore`` back.
    """

    action: MarkAction
    value: Word | None
    mask: Word | None
    span: Span
    map: Map | None = None


class FlowMarking(NamedTuple):
    """``ct mark set`` and ``ct mark xor``, of which ``action`` is one; ``field`` is what was written."""

    field: Word
    action: MarkAction
    value: Word | None
    mask: Word | None
    span: Span
    map: Map | None = None


class ZoneSetting(NamedTuple):
    """``ct zone set``, ``ct original zone set``, ``ct reply zone set``: ``field`` tells which."""

    field: Word
    value: Word
    span: Span


class TimeoutName(NamedTuple):
    """``ct timeout set``: a definition of ``timeouts``."""

    name: Word
    span: Span


class HopAction(Enum):
    SET = "set"
    INC = "inc"
    DEC = "dec"


class TtlSetting(NamedTuple):
    """``ip ttl set``, or ``inc`` and ``dec``."""

    action: HopAction
    value: Word
    span: Span


class HopLimitSetting(NamedTuple):
    """``ip6 hoplimit set``, or ``inc`` and ``dec``."""

    action: HopAction
    value: Word
    span: Span


class PrioritySetting(NamedTuple):
    """``meta priority set``."""

    value: Word
    span: Span


class Tracing(NamedTuple):
    """The clause ``trace``."""

    span: Span


class Copying(NamedTuple):
    """The clause ``dup to``: a copy goes to the neighbour ``address``, by ``device`` or as routed."""

    address: Word
    device: Word | None
    span: Span


class Offloading(NamedTuple):
    """The clause ``flow add``. ``name`` is without its ``@``."""

    name: Word
    span: Span


class OptionReset(NamedTuple):
    """The clause ``reset tcp option``; the words are the options' names alone."""

    options: tuple[Word, ...]
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
    """What stands after ``->``: addresses, ports, or ``none``; or a map of those."""

    points: tuple[Word, ...]
    span: Span
    map: Map | None = None


class Random(NamedTuple):
    span: Span


class FullyRandom(NamedTuple):
    """The clause ``fully-random``."""

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
    | Sighting
    | Turn
    | Chance
    | NativeWords
    | Condition
    | LogLine
    | NamedCount
    | OwnCount
    | Ban
    | Marking
    | FlowMarking
    | ZoneSetting
    | TimeoutName
    | TtlSetting
    | HopLimitSetting
    | PrioritySetting
    | Tracing
    | Copying
    | Offloading
    | OptionReset
    | CodePoint
    | SegmentSize
    | NoTracking
    | SynProxy
    | Target
    | Random
    | FullyRandom
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
    QUEUE = "queue"
    VMAP = "vmap"


class Verdict(NamedTuple):
    """``answer`` is the type of a reject, None its default, the chain of a jump or goto, or the numbers of queues,
    which have ``flags``; ``map`` are the verdicts of a vmap.
    """

    decision: Decision
    answer: Word | None
    span: Span
    flags: tuple[Word, ...] = ()
    map: Map | None = None


class RuleDocument(NamedTuple):
    """A rule; without a verdict its packets go on to the next. Each kind of clause is there at most once."""

    verdict: Verdict | None
    service: tuple[ServiceWord, ...]
    clauses: tuple[Clause, ...]
    span: Span
    id: Word | None = None

    def has(self, kinds: frozenset[type[Clause]]) -> bool:
        """Whether a clause is of one of these kinds: asked before each is looked for, as most rules have few."""
        return any(type(clause) in kinds for clause in self.clauses)

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
