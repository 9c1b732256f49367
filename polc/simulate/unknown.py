"""What only the kernel knows: the simulator says so, and guesses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polc.simulate.chains import Decision


class OnlyKernelKnows(Exception):
    """A packet has come to something that nothing here can look into; ``reason`` says what it is, ``decision`` which
    rule asks for it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.decision: Decision | None = None
