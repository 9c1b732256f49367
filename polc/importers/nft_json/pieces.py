"""What a rule of nft consists of, in the order in which the kernel goes through it."""

from __future__ import annotations

from dataclasses import dataclass

from polc.importers.nft_json.demands import NOTHING, Demand
from polc.ir.matches import Match
from polc.ir.statements import Statement
from polc.ir.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Ask:
    """Breaks the rule off unless the packet is so; to ask again changes nothing."""

    demand: Demand


@dataclass(frozen=True, slots=True)
class Counted:
    """A match that keeps state or rolls dice, so that it matters which packets come to it.

    ``words`` is the statement itself.
    """

    match: Match
    demand: Demand = NOTHING
    words: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """``demand`` is what a packet has to be for it; for others the rule is broken off. ``words`` is the statement."""

    statement: Statement
    demand: Demand = NOTHING
    words: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """The verdict, after which nothing of the rule follows; None: the next rule. ``words`` is the statement."""

    verdict: Verdict | None
    demand: Demand = NOTHING
    words: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """The verdict of the option that the packet meets, of which there is one at most; else the next rule."""

    options: tuple[tuple[Demand, Verdict], ...]


Piece = Ask | Counted | Effect | End | Choice
