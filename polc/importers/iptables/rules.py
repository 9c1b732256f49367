"""One line's options to the draft of the rule that it means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

from polc.importers.iptables import basics, commands, transport
from polc.importers.iptables.draft import Ask, Draft, Either, Placed, Unless, is_stateful
from polc.importers.iptables.extension import (
    ANYWHERE,
    Action,
    Context,
    Extension,
    Given,
    IcmpTypes,
    Meaning,
    Options,
    Ports,
)
from polc.importers.iptables.problem import APART, WRONG_PLACE, Problem, Word
from polc.importers.iptables.protocols import PROTOCOLS
from polc.importers.iptables.settypes import SetType
from polc.importers.iptables.shape import Key, MatchLoad, Shape, TargetLoad, Use, key, recognise
from polc.importers.iptables.tables import NO_INTERFACE, TABLES
from polc.importers.iptables.values import number
from polc.ir.family import Family
from polc.ir.fields import TCP_FLAG_BITS
from polc.ir.matches import FlagField, FlagsMatch, Match, Side, Trait, TraitMatch
from polc.ir.origin import Origin
from polc.ir.selectors import Direction
from polc.ir.statements import ClampMss
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Queue, Return, Verdict
from polc.source import Span

_STANDARD: dict[str, Verdict] = {"ACCEPT": Accept(), "DROP": Drop(), "RETURN": Return(), "QUEUE": Queue(0, 0)}
_ONE_WORD = "its target leaves the chain, and so cannot stand in one that this would take in nft"
_SYN = TCP_FLAG_BITS["syn"]

_T = TypeVar("_T")
_Found = tuple[Match, ...] | None


@dataclass(frozen=True, slots=True)
class Place:
    """The chain that a rule is for."""

    table: str
    chain: str

    @property
    def built_in(self) -> bool:
        return self.chain in TABLES[self.table]


class RuleReader:
    """Reads rules of one family. What it has seen it knows again: shapes of lines, and what options mean."""

    def __init__(self, family: Family, sets: Mapping[str, SetType]) -> None:
        self.family = family
        self.sets = sets
        self._shapes: dict[Key, Shape] = {}
        self._known: dict[object, object] = {}

    def shape(self, words: Sequence[str]) -> Shape:
        """Raises:
        Problem: the words are no line of iptables.
        """
        own = key(words)
        found = self._shapes.get(own)
        if found is None:
            found = self._shapes[own] = recognise(words, self.family)
        return found

    def drafts(
        self, shape: Shape, words: Sequence[str], place: Place, span: Span, locate: Callable[[int], Span]
    ) -> list[Draft]:
        """The rules of a line: one for each pair of a source and a destination, in the order of iptables.

        ``locate`` tells where a word is.

        Raises:
            Problem: a value is none, or things do not go together.
        """
        sources: list[_Found] = [()]
        destinations: list[_Found] = [()]
        rest: list[Match] = []
        protocol: int | None = None
        asked: tuple[Match, ...] = ()
        never = False
        counter = _line_counter(shape, words)
        for use in shape.basic:
            option = use.option
            if option is commands.SOURCE:
                sources = self._addresses(use, words, Side.SADDR)
            elif option is commands.DESTINATION:
                destinations = self._addresses(use, words, Side.DADDR)
            elif option is commands.PROTOCOL:
                protocol, asked = self._protocol(use, words)
            elif option is commands.IN or option is commands.OUT:
                found = self._interface(use, words, place)
                never |= found is None
                rest += found or ()
            elif option is commands.FRAGMENT:
                rest.append(self._fragment(use))
            elif option is commands.COUNTERS:
                counter = _counter(use, words)
        action = self._action(shape, words, place, protocol)
        asks, comment, impossible = self._asks(shape, words, protocol, asked, action)
        if any(isinstance(one, ClampMss) for one in action.statements) and not any(map(_asks_syn, asks)):
            at = shape.target.at if shape.target else None
            raise Problem(APART, "`-j TCPMSS` needs `--syn`, or other flags with SYN", at)
        origin = Origin(span, "", comment)
        placed = tuple(_placed(shape, locate))
        never |= impossible
        return [
            Draft(
                (*(source or ()), *(destination or ()), *rest, *asks),
                action.statements,
                action.verdict,
                comment,
                never or source is None or destination is None,
                origin,
                counter,
                placed,
            )
            for source, destination in product(sources, destinations)
        ]

    def _once(self, known: object, make: Callable[[], _T]) -> _T:
        """What ``make`` gives, which is the same for the same ``known``."""
        found = self._known.get(known)
        if found is None:
            found = self._known[known] = make()
        return found  # type: ignore[return-value]

    def _addresses(self, use: Use, words: Sequence[str], side: Side) -> list[_Found]:
        word = _word(use, words)
        return self._once(
            (side, use.negated, word.text),
            lambda: basics.addresses(word, side, self.family, negated=use.negated),
        )

    def _protocol(self, use: Use, words: Sequence[str]) -> tuple[int | None, tuple[Match, ...]]:
        word = _word(use, words)
        return self._once(
            (commands.PROTOCOL, use.negated, word.text),
            lambda: basics.protocol(word, self.family, negated=use.negated),
        )

    def _interface(self, use: Use, words: Sequence[str], place: Place) -> _Found:
        if place.built_in and place.chain in NO_INTERFACE[use.option.short]:
            way = "comes in by" if use.option is commands.IN else "leaves by"
            message = f"`-{use.option.short}` cannot stand in {place.chain}, where no packet {way} an interface"
            raise Problem(WRONG_PLACE, message, use.at)
        word = _word(use, words)
        direction = Direction.IN if use.option is commands.IN else Direction.OUT
        found: list[_Found] = self._once(
            (direction, use.negated, word.text),
            lambda: [basics.interfaces(word, direction, negated=use.negated)],
        )
        return found[0]

    def _fragment(self, use: Use) -> Match:
        if self.family is Family.IP6:
            raise basics.fragment_problem(use.at)
        return TraitMatch(Trait.FRAGMENT, use.negated)

    def _asks(
        self, shape: Shape, words: Sequence[str], protocol: int | None, asked: tuple[Match, ...], action: Action
    ) -> tuple[list[Ask], str, bool]:
        """The questions of ``-p`` and each ``-m``, the comment, and whether no packet can meet them."""
        asks: list[Ask] = []
        comments: list[str] = []
        never = False
        headers: list[Ports | IcmpTypes] = []
        leaves = isinstance(action.verdict, Return | Goto)
        for load in shape.matches:
            meaning = self._meaning(load, words, protocol)
            never |= meaning.never
            if meaning.comment:
                comments.append(meaning.comment)
            counted = any(map(is_stateful, asks))
            own: list[Ask] = [*meaning.matches]
            if meaning.either:
                own.append(Either(meaning.either))
            if meaning.unless:
                own.append(Unless(meaning.unless))
            if not counted:
                headers += meaning.transport
            elif meaning.transport:
                found = self._headers(protocol, meaning.transport)
                never |= found is None
                own += found or ()
            if leaves and (meaning.unless or meaning.either or (counted and not all(map(is_stateful, own)))):
                options = self._options(load, words)
                own = [options.opaque(_ONE_WORD)]
            asks += own
        if headers:
            found = self._headers(protocol, tuple(headers))
            never |= found is None
            asked = found or ()
        return [*asked, *asks], "; ".join(comments), never

    def _headers(self, protocol: int | None, asked: tuple[Ports | IcmpTypes, ...]) -> _Found:
        """What is asked of the transport header, the protocol included; None: no packet meets it."""
        assert protocol is not None

        def make() -> list[_Found]:
            types = [one for one in asked if isinstance(one, IcmpTypes)]
            if types:
                return [transport.icmp(protocol, types)]
            found = transport.ports(protocol, [one for one in asked if isinstance(one, Ports)])
            return [None if found is None else (found,)]

        return self._once(("transport", protocol, asked), make)[0]

    def _meaning(self, load: MatchLoad, words: Sequence[str], protocol: int | None) -> Meaning:
        def make() -> Meaning:
            _check_protocol(load.extension, protocol, load.at, f"-m {load.extension.name}")
            return load.extension.read(self._options(load, words), Context(self.family, protocol, self.sets))

        return self._once((load, protocol, *[words[at] for at in load.numbers]), make)

    def _options(self, load: MatchLoad | TargetLoad, words: Sequence[str]) -> Options:
        kind = "-m" if isinstance(load, MatchLoad) else "-j"
        given = tuple(_given(use, words) for use in load.uses)
        return Options(kind, load.extension, load.at, given, self.family)

    def _action(self, shape: Shape, words: Sequence[str], place: Place, protocol: int | None) -> Action:
        if shape.jump is None:
            return Action()
        load = shape.target
        if load is not None:

            def make() -> Action:
                _check_protocol(load.extension, protocol, load.at, f"-j {load.extension.name}")
                return load.extension.read(self._options(load, words), Context(self.family, protocol, self.sets))

            return self._once((load, protocol, *[words[at] for at in load.numbers]), make)
        name = _word(shape.jump, words)
        if shape.jump.option is commands.GOTO:
            return Action(verdict=Goto(name.text))
        standard = _STANDARD.get(name.text)
        if isinstance(standard, Drop) and place.table == "nat":
            raise Problem(WRONG_PLACE, "nothing is dropped in table nat", name.at, help="drop it in table filter")
        return Action(verdict=standard or Jump(name.text))


def _word(use: Use, words: Sequence[str]) -> Word:
    at, start = use.words[0]
    return Word(words[at][start:], at)


def _given(use: Use, words: Sequence[str]) -> Given:
    return Given(use.option, use.negated, tuple(Word(words[at][start:], at) for at, start in use.words), use.at)


def _check_protocol(extension: Extension, protocol: int | None, at: int, shown: str) -> None:
    if extension.protocols and protocol not in extension.protocols:
        names = [name for name, value in PROTOCOLS.items() if value in extension.protocols]
        needed = " or ".join(f"`-p {name}`" for name in names[:5])
        raise Problem(APART, f"`{shown}` needs {needed}", at)


def _asks_syn(ask: Ask) -> bool:
    return (
        isinstance(ask, FlagsMatch) and ask.field is FlagField.TCP_FLAGS and bool(ask.value & _SYN) and not ask.negated
    )


def _placed(shape: Shape, locate: Callable[[int], Span]) -> Iterator[Placed]:
    loads: list[MatchLoad | TargetLoad] = [*shape.matches, *([shape.target] if shape.target else ())]
    for load in loads:
        one = load.extension
        if one.tables or one.chains:
            yield Placed(
                f"{'-m' if isinstance(load, MatchLoad) else '-j'} {one.name}", one.tables, one.chains, locate(load.at)
            )
        for use in load.uses:
            if use.option.chains:
                yield Placed(use.option.shown, ANYWHERE, use.option.chains, locate(use.at))


def _line_counter(shape: Shape, words: Sequence[str]) -> tuple[int, int] | None:
    if not shape.counters:
        return None
    packets, _, size = words[0][1:-1].partition(":")
    highest = 2**64 - 1
    return number(Word(packets.lstrip("0") or "0", 0), 0, highest), number(Word(size.lstrip("0") or "0", 0), 0, highest)


def _counter(use: Use, words: Sequence[str]) -> tuple[int, int]:
    given = [Word(words[at][start:], at) for at, start in use.words]
    if len(given) == 1:
        packets, _, size = given[0].text.partition(",")
        given = [Word(packets, given[0].at), Word(size, given[0].at)]
    highest = 2**64 - 1
    return number(given[0], 0, highest, "count"), number(given[1], 0, highest, "count")
