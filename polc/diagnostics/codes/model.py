"""A code and its documentation, which live together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """``what`` it says, ``why`` that is bad, an ``example`` policy that triggers it, and what to write ``instead``.

    ``example`` is empty where no text alone can trigger the code (a missing file, a machine without a
    tool); the tests make those situations themselves.
    """

    code: str
    title: str
    what: str
    why: str
    example: str = ""
    instead: str = ""
