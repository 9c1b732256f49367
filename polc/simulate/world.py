"""What all rules of a host share: the clock, the flows, the routes, and what is noted of the packet at hand."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Protocol

from polc.ir.statements import Duplicate, Log
from polc.simulate.conntrack.flow import SECOND
from polc.simulate.conntrack.table import Table
from polc.simulate.host import Routing
from polc.simulate.settings import Settings

if TYPE_CHECKING:
    from polc.ir.matches import Match
    from polc.ir.ruleset import Hook, Ruleset
    from polc.simulate.chains import ChainCode, Decision
    from polc.simulate.ends import Leave
    from polc.simulate.flight import Flight


class Watcher(Protocol):
    """Who is told of a packet's way; nobody by default."""

    def walk(self, chain: ChainCode, flight: Flight) -> Decision | Leave | None:
        """Run a chain and note each rule."""

    def policy(self, decision: Decision) -> None:
        """The policy of a base chain decides."""

    def hook(self, hook: Hook, flight: Flight) -> None:
        """The packet comes to a hook."""

    def drawn(self) -> None:
        """Chance has a say in the packet's way."""

    def asked(self, bucket: object, seconds: float) -> None:
        """The packet asks a bucket (by its name and key), to which a token comes each so many seconds."""


Presume = Callable[["Ruleset", str, int, int, "Match"], bool | None]
"""What a match of a ruleset is to answer: its chain, the rule's number there and the match's in the rule, both from 0.
None: what it answers by itself.
"""


class World:
    """``epoch`` is the time of day at which the clock began, in nanoseconds since 1970. ``logs`` and ``copies`` are
    of the packet at hand, ``tracer`` watches it. ``doubt`` is set once a packet's way is not known: what rules
    remember may then be wrong. ``presume`` knows answers beforehand, whatever memory and routes say.
    """

    __slots__ = (
        "copies",
        "counters",
        "doubt",
        "epoch",
        "logs",
        "presume",
        "random",
        "routing",
        "settings",
        "table",
        "tracer",
    )

    def __init__(self, routing: Routing, settings: Settings, epoch: float, presume: Presume | None = None) -> None:
        self.routing = routing
        self.settings = settings
        self.table = Table(settings.conntrack_max)
        self.epoch = int(epoch * SECOND)
        self.random = Random(settings.seed)
        self.logs: list[Log] = []
        self.copies: list[Duplicate] = []
        self.counters: dict[str, list[int]] = {}
        self.doubt = ""
        self.tracer: Watcher | None = None
        self.presume = presume

    @property
    def wall_clock(self) -> int:
        """Whole seconds since 1970, UTC."""
        return (self.epoch + self.table.now) // SECOND
