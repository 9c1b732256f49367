"""What an extension is: its options, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from polc.importers.iptables.problem import APART, Problem, Word
from polc.importers.iptables.quoting import quote
from polc.importers.iptables.settypes import SetType
from polc.ir.family import BOTH, Family
from polc.ir.intervals import Intervals
from polc.ir.matches import Match, Nearest, NftWords, OpaqueMatch, Syntax
from polc.ir.statements import OpaqueStatement, Statement
from polc.ir.verdicts import Verdict

COMING = frozenset({"PREROUTING", "INPUT", "FORWARD"})
GOING = frozenset({"FORWARD", "OUTPUT", "POSTROUTING"})
"""Chains of packets that have come in by an interface, and of those that leave by one."""


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """``name`` is the long form, ``also`` other long forms, ``short`` a letter.

    ``takes`` words stand behind it, and up to ``upto`` more that are no options. ``text``: its word may be anything,
    one that looks like an option too. ``quoted``: iptables-save prints its word in quotes whatever it is. ``chains``
    (empty: any) are where the kernel takes it. ``saved`` is how iptables-save writes it, where not as it was given.
    """

    name: str
    also: tuple[str, ...] = ()
    short: str = ""
    takes: int = 1
    upto: int = 0
    negatable: bool = False
    repeats: bool = False
    text: bool = False
    quoted: bool = False
    chains: frozenset[str] = frozenset()
    saved: Saved | None = None

    @property
    def shown(self) -> str:
        return f"--{self.name}" if self.name else f"-{self.short}"


class Given(NamedTuple):
    """An option as it was given: ``at`` is the number of its word."""

    option: Option
    negated: bool
    words: tuple[Word, ...]
    at: int

    @property
    def word(self) -> Word:
        return self.words[0]

    @property
    def saved(self) -> Written | None:
        """As iptables-save writes it; None: it does not."""
        make = self.option.saved
        return make(self) if make else Written(self.option.name, tuple(word.text for word in self.words), self.negated)


class Written(NamedTuple):
    """An option of an extension as iptables-save writes it: ``name`` is its long form."""

    name: str
    words: tuple[str, ...] = ()
    negated: bool = False


Saved = Callable[[Given], Written | None]


@dataclass(frozen=True, slots=True)
class Context:
    """What an extension can depend on besides its own options.

    ``protocol`` is as ``-p`` names it, if any; ``sets`` are the ipsets that are known.
    """

    family: Family
    protocol: int | None
    sets: Mapping[str, SetType] = field(default_factory=dict, compare=False)


class Options:
    """The options of one ``-m`` or ``-j``, which is the word ``at``."""

    __slots__ = ("at", "extension", "family", "given", "kind")

    def __init__(self, kind: str, extension: Extension, at: int, given: tuple[Given, ...], family: Family) -> None:
        self.kind = kind
        self.extension = extension
        self.at = at
        self.given = given
        self.family = family

    @property
    def name(self) -> str:
        return self.extension.name

    @property
    def shown(self) -> str:
        return f"{self.kind} {self.name}"

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def __iter__(self) -> Iterator[Given]:
        return iter(self.given)

    def get(self, name: str) -> Given | None:
        return next((one for one in self.given if one.option.name == name), None)

    def among(self, *names: str) -> Given | None:
        """The one option that is given of several that exclude each other.

        Raises:
            Problem: there is more than one.
        """
        found = [one for one in self.given if one.option.name in names]
        if len(found) > 1:
            first, second = found[0].option.shown, found[1].option.shown
            raise Problem(APART, f"`{second}` cannot stand beside `{first}`", found[1].at)
        return found[0] if found else None

    def need(self, *names: str) -> Given:
        """As ``among``, where one of them must be given.

        Raises:
            Problem: there is none, or more than one.
        """
        found = self.among(*names)
        if found is None:
            wanted = " or ".join(f"`--{name}`" for name in names)
            raise Problem(APART, f"`{self.shown}` needs {wanted}", self.at)
        return found

    def together(self, name: str, other: str) -> None:
        """Raises:
        Problem: the first option is given and the other, which it needs, is not.
        """
        given = self.get(name)
        if given is not None and other not in self:
            raise Problem(APART, f"`--{name}` needs `--{other}` beside it", given.at)

    def only(self, *names: str) -> Options:
        """The same extension with these options alone."""
        given = tuple(one for one in self.given if one.option.name in names)
        return Options(self.kind, self.extension, self.at, given, self.family)

    def text(self) -> str:
        """The extension and its options as iptables-save writes them, in iptables' quoting."""
        parts = [self.shown]
        for one in self.extension.in_order(self.extension.complete(self)):
            if saved := one.saved:
                parts += ["!"] * saved.negated
                parts += [f"--{saved.name}", *(quote(word, always=one.option.quoted) for word in saved.words)]
        return " ".join(parts)

    def opaque(self, reason: str, nft: NftWords | None = None, nearest: Nearest | None = None) -> OpaqueMatch:
        """The extension in the words that iptables-save has for it; ``reason`` says why."""
        return OpaqueMatch(self.text(), Syntax.IPTABLES, reason, nft, nearest)

    def opaque_action(self, reason: str) -> Action:
        """As ``opaque``, for a target."""
        return Action((OpaqueStatement(self.text(), Syntax.IPTABLES, reason),))


@dataclass(frozen=True, slots=True)
class Ports:
    """What a packet's ports must be: both of ``sport`` and ``dport`` (None: any), or ``either`` of them."""

    sport: Intervals | None = None
    dport: Intervals | None = None
    either: Intervals | None = None


@dataclass(frozen=True, slots=True)
class IcmpTypes:
    """A type of ICMP, None: any, and a range of its codes; ``negated``: any other."""

    type: int | None
    codes: tuple[int, int] = (0, 255)
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a match asks: all of ``matches`` and ``transport``, one of ``either`` (none given: nothing), which exclude
    each other, and that not all of ``unless`` hold. ``never``: no packet can meet it.

    ``unless`` and its like turn an answer exactly: they hold for packets that lack what is asked about, too.
    """

    matches: tuple[Match, ...] = ()
    transport: tuple[Ports | IcmpTypes, ...] = ()
    either: tuple[tuple[Match, ...], ...] = ()
    unless: tuple[Match, ...] = ()
    comment: str = ""
    never: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """What a target does: its statements, in order, and then its verdict (None: the packet goes on)."""

    statements: tuple[Statement, ...] = ()
    verdict: Verdict | None = None


ANYWHERE: frozenset[str] = frozenset()


def _as_given(options: Options) -> tuple[Given, ...]:
    return options.given


@dataclass(frozen=True, slots=True, eq=False)
class Extension:
    """``options`` are in the order in which iptables-save writes them, and ``complete`` are those that it writes, where
    others hang on what was given. ``protocols``: it needs ``-p`` with one of these. ``chains`` and ``tables`` (empty:
    any) are where the kernel takes it, also through chains of the user's.
    """

    name: str
    options: tuple[Option, ...]
    families: frozenset[Family] = BOTH
    protocols: frozenset[int] = frozenset()
    chains: frozenset[str] = ANYWHERE
    tables: frozenset[str] = ANYWHERE
    complete: Callable[[Options], tuple[Given, ...]] = _as_given

    def in_order(self, given: Iterable[Given]) -> tuple[Given, ...]:
        """As iptables-save has them; those that may repeat are the last, and their order has a meaning."""
        place = {one: len(self.options) if one.repeats else number for number, one in enumerate(self.options)}
        return tuple(sorted(given, key=lambda one: place[one.option]))


@dataclass(frozen=True, slots=True, eq=False)
class MatchExtension(Extension):
    read: Callable[[Options, Context], Meaning] = lambda _options, _context: Meaning()


@dataclass(frozen=True, slots=True, eq=False)
class TargetExtension(Extension):
    read: Callable[[Options, Context], Action] = lambda _options, _context: Action()
