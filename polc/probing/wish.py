"""What somebody wants of probes."""

from __future__ import annotations

from dataclasses import dataclass

MOST_PER_RULE = 64
"""Probes of a rule where all that it asks for is to be tried."""

LONGEST_WAIT = 7.0
"""Seconds, enough for a limit of ten a minute to let one packet through again."""


@dataclass(frozen=True, slots=True)
class Wish:
    """``per_rule`` probes at most for a rule, and as many rules, spread evenly, as ``packets`` are enough for (None:
    all). Where there are fewer packets than ``least``, others are put together by chance. ``scenes``: hosts at most.
    ``seed`` chooses the addresses and ports that no rule asks for. ``wait``: seconds that a host may wait for what
    rules remember to be forgotten. ``gaps``: with packets for deliberate faults that the others do not show.
    ``unsure``: packets are sent whatever the simulator says of them, besides those that it says are as they are to be:
    for those who look for what it does not know.
    """

    per_rule: int = 24
    packets: int | None = None
    least: int = 0
    scenes: int = 8
    seed: int = 0
    wait: float = 0.0
    gaps: bool = False
    unsure: bool = False
