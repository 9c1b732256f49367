"""How a packet can leave a chain, besides the IR's verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Leave(Enum):
    """The packet leaves a chain, or a rule, without a decision."""

    LEAVE = "leave"


LEAVE = Leave.LEAVE


@dataclass(frozen=True, slots=True)
class Stolen:
    """The kernel keeps the packet and answers it itself: synproxy."""
