"""Expectations: flows that a helper has heard of before they begin (net/netfilter/nf_conntrack_expect.c)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from polc.simulate.conntrack.flow import CONFIRMED, DYING, SECOND, Flow, FlowTuple

if TYPE_CHECKING:
    from polc.simulate.conntrack.table import Table


class Expectation:
    """``source`` and ``left`` are None for any. ``limit`` of a ``kind`` may be open for one master; a new one takes
    the place of the oldest. ``permanent`` ones stay when a flow has come. ``helper`` reads the expected flow too.
    ``on_flow`` is called with a flow that came, before NAT.
    """

    __slots__ = (
        "destination", "helper", "inactive", "kind", "left", "limit", "master", "on_flow", "permanent", "protocol",
        "reply", "right", "saved_address", "saved_port", "six", "source", "timeout",
    )  # fmt: skip

    def __init__(
        self,
        master: Flow,
        protocol: int,
        source: int | None,
        destination: int,
        right: int,
        *,
        left: int | None = None,
        kind: int = 0,
        limit: int = 1,
        seconds: int = 300,
    ) -> None:
        self.master = master
        self.six = master.original[0]
        self.protocol = protocol
        self.source = source
        self.destination = destination
        self.left = left
        self.right = right
        self.kind = kind
        self.limit = limit
        self.timeout = seconds * SECOND
        self.permanent = False
        self.inactive = False
        self.helper = ""
        self.reply = False
        self.saved_address = destination
        self.saved_port = right
        self.on_flow: Callable[[Table, Flow, Expectation], None] | None = None

    def covers(self, of: FlowTuple) -> bool:
        """nf_ct_exp_equal."""
        six, protocol, source, destination, left, right = of
        return (
            protocol == self.protocol
            and right == self.right
            and destination == self.destination
            and six == self.six
            and self.source in (None, source)
            and self.left in (None, left)
        )

    def clashes(self, other: Expectation) -> bool:
        """expect_clash: whether some flow would fit both."""
        return (
            (self.six, self.protocol, self.destination, self.right)
            == (other.six, other.protocol, other.destination, other.right)
            and (self.source is None or other.source is None or self.source == other.source)
            and (self.left is None or other.left is None or self.left == other.left)
            and _same_zone(self.master, other.master)
        )

    def equals(self, other: Expectation) -> bool:
        """expect_matches."""
        return self.clashes(other) and (self.source, self.left) == (other.source, other.left)


def _same_zone(one: Flow, other: Flow) -> bool:
    """nf_ct_zone_equal_any."""
    return one.zone_of(False) == other.zone_of(False)


class Expectations:
    """All that are open."""

    def __init__(self, highest: int = 4096) -> None:
        self._open: list[Expectation] = []
        self._highest = highest

    def __bool__(self) -> bool:
        return bool(self._open)

    def __iter__(self) -> Iterator[Expectation]:
        return iter(self._open)

    def add(self, new: Expectation, now: int, *, any_master: bool = False) -> bool:
        """nf_ct_expect_related: False: it clashes with another, or there are too many. An equal one of the same
        master is replaced; with ``any_master`` an equal one of another master will do.
        """
        self._expire(now)
        for one in list(self._open):
            if (any_master or one.master is new.master) and one.equals(new):
                if one.kind != new.kind or one.master is not new.master:
                    return True
                self.remove(one)
                break
            if one.clashes(new):
                return False
        own = [one for one in new.master.expectations if one.kind == new.kind]
        if len(own) >= new.limit:
            self.remove(own[0])
        if len(self._open) >= self._highest:
            return False
        new.timeout += now
        self._open.append(new)
        new.master.expectations.append(new)
        return True

    def find(self, of: FlowTuple, zone: int, now: int) -> Expectation | None:
        """One that the tuple fits, without taking it (__nf_ct_expect_find)."""
        self._expire(now)
        # The last one made is found first (hlist_add_head_rcu).
        for one in reversed(self._open):
            if one.covers(of) and one.master.zone_of(False) == zone:
                return one
        return None

    def take(self, of: FlowTuple, zone: int, now: int) -> Expectation | None:
        """The one that a new flow fulfils, which is then gone (nf_ct_find_expectation)."""
        self._expire(now)
        for one in reversed(self._open):
            if one.inactive or not one.covers(of) or one.master.zone_of(False) != zone:
                continue
            if not one.master.status & CONFIRMED or one.master.status & DYING:
                return None
            if not one.permanent:
                self.remove(one)
            return one
        return None

    def remove(self, one: Expectation) -> None:
        self._open.remove(one)
        one.master.expectations.remove(one)

    def remove_of(self, master: Flow) -> None:
        """nf_ct_remove_expectations."""
        for one in list(master.expectations):
            self.remove(one)

    def _expire(self, now: int) -> None:
        if self._open:
            for one in [one for one in self._open if one.timeout <= now]:
                self.remove(one)
