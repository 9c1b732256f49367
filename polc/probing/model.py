"""Probes, and the hosts that they are sent to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from polc.ir.filling import Filling
from polc.ir.ruleset import Rule
from polc.simulate.host import Host
from polc.simulate.packet import Packet

Place = tuple[str, int]
"""Where a rule stands: its chain, and its number there from 0."""


NOWHERE: Place = ("", -1)
"""The place of a packet that meets no rule."""


WOULD_SHOW = "would show: "
"""So begins what a probe is about that some fault alone has made necessary."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Packets about the rule at ``place``, of which the last one counts and the others lead up to it.

    ``decides``: the last one is to meet the rule; otherwise just not. ``about`` says what it tries: ``saddr: one
    before 192.0.2.0``. A packet of a flow that is presumed is one of a flow that conntrack is told of before.
    ``after`` are seconds that go by before the first of them.
    """

    place: Place
    packets: tuple[Packet, ...]
    decides: bool
    about: str
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Scene:
    """Probes that can be sent to one host, in this order. ``answered`` are packets, by their numbers among all of them
    from 0, to which the other end gives an answer when all have been sent. ``fillings`` are put into sets before.
    """

    host: Host
    probes: tuple[Probe, ...]
    answered: tuple[int, ...] = ()
    fillings: tuple[Filling, ...] = ()

    @property
    def packets(self) -> list[Packet]:
        """All that are sent, but for answers: what those are like is seen then."""
        return [packet for probe in self.probes for packet in probe.packets]


ONLY_KERNEL = "only the kernel knows: "
"""So the words of a reason begin where packets come to something of which that is so."""


class Reason(Enum):
    """Why a rule has no probe. PROVEN: no packet meets it, which the symbolic engine has shown of all of them. OPAQUE:
    only the kernel knows what it asks for or does. NOT_FOUND: none was found, though there may be one.
    """

    PROVEN = "proven"
    OPAQUE = "opaque"
    NOT_FOUND = "not found"


@dataclass(frozen=True, slots=True)
class Unreached:
    """A rule that no probe was found for, and why, in words too."""

    place: Place
    rule: Rule
    reason: str
    why: Reason = Reason.NOT_FOUND


@dataclass(frozen=True, slots=True)
class Plan:
    """All probes of a firewall. ``rules`` are those that packets of its base chains may come to; ``met`` those that
    are met in the simulator when the scenes are played there; ``unreached`` the others. ``untimed`` are rules of which
    it is not tried what they do once time has gone by, and why.
    """

    scenes: tuple[Scene, ...]
    rules: tuple[Place, ...]
    met: frozenset[Place]
    unreached: tuple[Unreached, ...] = field(default=())
    untimed: tuple[Unreached, ...] = field(default=())

    @property
    def packets(self) -> int:
        """How many packets are sent, answers among them."""
        return sum(len(scene.packets) + len(scene.answered) for scene in self.scenes)
