"""What is found, and what a case came to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from polc.probing.model import Scene


class Check(Enum):
    """What disagrees; the value is what people are told."""

    CRASH = "polc broke down"
    LOAD = "a tool refuses what polc wrote"
    READ_BACK = "the kernel holds something else"
    KERNEL = "the kernel does something else than the simulator"
    SYMBOLIC = "the symbolic engine says something else than the simulator"
    VALIDATION = "the output does something else than was meant"


@dataclass(frozen=True, slots=True)
class Finding:
    """``where`` is the loader or target, or the place in polc that broke down; ``scene`` is what was sent, up to the
    first packet that shows it, where packets were.
    """

    check: Check
    where: str
    message: str
    scene: Scene | None = field(default=None, compare=False)

    @property
    def key(self) -> tuple[Check, str]:
        """Findings of one key may be one thing."""
        return self.check, self.where

    def __str__(self) -> str:
        return (
            f"{self.check.value} ({self.where}): {self.message}"
            if self.where
            else f"{self.check.value}: {self.message}"
        )


@dataclass(slots=True)
class Judged:
    """What came of a case. ``refused`` counts diagnostics by who refuses (``policy``, a target) and code; ``packets``
    are those that went through each loader, ``points`` those that the symbolic engine was asked about. ``proven`` and
    ``undecided`` are outputs. ``there`` and ``met`` are the constructs of its rules, and of those that decided a packet
    on a loader (``coverage.constructs``). ``lacking`` are refusals for what this kernel was built without.
    """

    findings: list[Finding] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    packets: Counter[str] = field(default_factory=Counter)
    points: int = 0
    proven: int = 0
    undecided: int = 0
    there: frozenset[str] = frozenset()
    met: set[str] = field(default_factory=set)
    lacking: Counter[str] = field(default_factory=Counter)
