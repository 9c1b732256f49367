"""Answers: a proof with what it assumes, a packet that shows the contrary, or that neither was found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from polc.simulate.outcome import Fate, Outcome
from polc.simulate.packet import Packet
from polc.source import Span


class Result(Enum):
    """``UNDECIDED``: there are words that only the kernel knows the meaning of, or the budget was too small."""

    PROVEN = "proven"
    REFUTED = "refuted"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the simulator says of a counterexample on one side, of which there may be one alone, with the name ""."""

    side: str
    outcome: Outcome

    @property
    def fate(self) -> Fate:
        return self.outcome.fate


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A packet as it enters ``place``, a hook or a whole way. ``presumed`` is what limits, lists and sets have to say
    for it; ``why`` what differs, where sides are compared.
    """

    packet: Packet
    place: str
    seen: tuple[Seen, ...]
    presumed: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question. ``assumes`` are assumptions of a proof, a sentence each; ``reason`` says why there is
    none. ``about`` says of which packets the question is, where that is not what was written.
    """

    question: str
    result: Result
    counterexample: Counterexample | None = None
    reason: str = ""
    assumes: tuple[str, ...] = ()
    about: str = ""
    because: str = ""
    span: Span | None = None


COMMAND_LINE = "ASSERTION"
"""The name of the text of assertions that stand in no file."""

EXIT_STATUS = {Result.PROVEN: 0, Result.REFUTED: 1, Result.UNDECIDED: 1}
