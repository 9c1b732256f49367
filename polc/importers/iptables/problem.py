"""What is wrong with a line, before its place in a file is known."""

from __future__ import annotations

from typing import NamedTuple


class Word(NamedTuple):
    """A word of a rule, or what of it stands behind a ``=``; ``at`` is the word's number in the line, from 0."""

    text: str
    at: int


class Problem(Exception):
    """``code`` and ``message`` as a diagnostic has them; ``at`` is the number of the word, None: the whole line."""

    def __init__(self, code: str, message: str, at: int | None = None, *, help: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.at = at
        self.help = help


UNKNOWN_OPTION = "POL502"
UNKNOWN_EXTENSION = "POL503"
MISPLACED = "POL504"
WRONG_VALUE = "POL505"
APART = "POL506"
NO_CHAIN = "POL507"
TWICE = "POL508"
CYCLE = "POL509"
WRONG_PLACE = "POL510"
LOST_OPTION = "POL511"


def wrong(word: Word, message: str, *, help: str = "") -> Problem:
    """A word that is no value of its option."""
    return Problem(WRONG_VALUE, message, word.at, help=help)
