"""A rule as it was written: its questions in the order in which the kernel asks them."""

from __future__ import annotations

from dataclasses import dataclass, field

from polc.ir.matches import STATEFUL, Match
from polc.ir.origin import Origin
from polc.ir.statements import Statement
from polc.ir.verdicts import Verdict
from polc.source import Span


@dataclass(frozen=True, slots=True)
class Either:
    """One of the alternatives holds; they exclude each other."""

    alternatives: tuple[tuple[Match, ...], ...]


@dataclass(frozen=True, slots=True)
class Unless:
    """Not all of the matches hold: one that a packet has no field for does not."""

    matches: tuple[Match, ...]


Ask = Match | Either | Unless


def is_stateful(ask: Ask) -> bool:
    """Whether it counts the packets that it is asked for, so that its place among the others matters."""
    match ask:
        case Either(alternatives):
            return any(isinstance(match, STATEFUL) for one in alternatives for match in one)
        case Unless(matches):
            return any(isinstance(match, STATEFUL) for match in matches)
        case _:
            return isinstance(ask, STATEFUL)


@dataclass(frozen=True, slots=True)
class Placed:
    """Words that stand in some ``tables`` and ``chains`` alone (empty: in any); ``shown`` is how they are called."""

    shown: str
    tables: frozenset[str]
    chains: frozenset[str]
    span: Span


@dataclass(frozen=True, slots=True)
class Draft:
    """``asks`` must all hold; ``never``: no packet meets them. ``counter``: packets and bytes that have met them.

    ``placed`` are its extensions that do not stand everywhere. Rules are the same when they ask and do the same, so
    counters and places do not count, but comments do (iptables(8), --delete).
    """

    asks: tuple[Ask, ...]
    statements: tuple[Statement, ...]
    verdict: Verdict | None
    comment: str
    never: bool
    origin: Origin = field(compare=False)
    counter: tuple[int, int] | None = field(default=None, compare=False)
    placed: tuple[Placed, ...] = field(default=(), compare=False)
