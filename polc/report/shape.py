"""What an output consists of, whatever its target: chains of lines that cost something and lead somewhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from polc.report.model import SetReport


class WayKind(Enum):
    """Where a packet goes: no further, back to the caller, into a chain and back, into a chain for good."""

    ENDS = auto()
    RETURNS = auto()
    JUMPS = auto()
    GOES = auto()


@dataclass(frozen=True, slots=True)
class Way:
    kind: WayKind
    chain: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A rule of the target.

    ``rule`` is the number of the policy's rule that it came of. ``ways`` are where packets that match may go, none: on
    to the next line. ``applies`` says whether it matches every packet (True) or some (None); ``established``, and
    ``established_ways``, are the same for packets of an established flow, of which False are none.
    """

    rule: int | None
    lookups: int
    applies: bool | None
    ways: tuple[Way, ...]
    established: bool | None
    established_ways: tuple[Way, ...]
    constructs: tuple[str, ...]
    anonymous: tuple[int, ...] = ()
    """The sizes of the sets that stand in the line."""


@dataclass(frozen=True, slots=True)
class Chain:
    """``hook`` is empty for a regular chain. ``rewrites``: only the first packet of a flow comes here."""

    file: str
    table: str
    name: str
    hook: str
    rewrites: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    chains: tuple[Chain, ...]
    sets: tuple[SetReport, ...]
