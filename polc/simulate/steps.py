"""What a scenario is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from polc.simulate.packet import Packet
from polc.source import Span


@dataclass(frozen=True, slots=True)
class Send:
    """Puts a packet in."""

    packet: Packet
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to the packet before: by whoever got it, to whoever sent it, unless ``by`` names another.

    ``protocol``, ``type`` and ``code`` make it a packet of another kind, such as an ICMP error about the one before;
    ``changes`` are what it is besides.
    """

    changes: tuple[Callable[[Packet], Packet], ...] = ()
    protocol: int | None = None
    type: int = 0
    code: int = 0
    by: int | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Wait:
    """Lets ``seconds`` go by."""

    seconds: float
    span: Span | None = field(default=None, compare=False)


Step = Send | Reply | Wait
