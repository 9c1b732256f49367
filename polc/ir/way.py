"""The ways of packets through a host."""

from __future__ import annotations

from enum import Enum

from polc.ir.ruleset import Hook


class Way(Enum):
    """To the host, through it, from it; the values are the sections of policies that decide there."""

    INPUT = "input"
    FORWARD = "forward"
    OUTPUT = "output"

    @property
    def hook(self) -> Hook:
        """Where it is decided whether packets go on."""
        return Hook(self.value)

    @property
    def hooks(self) -> tuple[Hook, ...]:
        """All hooks of the way, in order."""
        return _HOOKS[self]


_HOOKS = {
    Way.INPUT: (Hook.PREROUTING, Hook.INPUT),
    Way.FORWARD: (Hook.PREROUTING, Hook.FORWARD, Hook.POSTROUTING),
    Way.OUTPUT: (Hook.OUTPUT, Hook.POSTROUTING),
}
