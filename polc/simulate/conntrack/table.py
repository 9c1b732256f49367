"""The table of flows (net/netfilter/nf_conntrack_core.c)."""

from __future__ import annotations

from collections.abc import Iterator

from polc.ir.protocols import UDP, UDPLITE
from polc.simulate.conntrack.expect import Expectations
from polc.simulate.conntrack.flow import (
    ASSURED,
    CONFIRMED,
    DNAT_DONE,
    DYING,
    FIXED_TIMEOUT,
    NAT_CLASH,
    SECOND,
    SNAT_DONE,
    Flow,
    FlowTuple,
    invert,
)
from polc.simulate.conntrack.tcp import may_be_evicted
from polc.simulate.packet import GRE

_MAY_CLASH = frozenset({UDP, UDPLITE, GRE})
"""Protocols whose trackers have allow_clash."""


class Table:
    """``entries``: (zone, tuple) -> flow, and whether it is the tuple of its replies. ``now`` is the clock in
    nanoseconds. ``gre_keys`` are PPTP's: (is IPv6, source, destination, its key) -> the source's key.
    """

    def __init__(self, highest: int) -> None:
        self.entries: dict[tuple[int, FlowTuple], tuple[Flow, bool]] = {}
        self.expectations = Expectations()
        self.by_source: dict[tuple[bool, int, int, int], list[Flow]] = {}
        self.gre_keys: dict[tuple[bool, int, int, int], int] = {}
        self.now = 0
        self._highest = highest
        self._number = 0

    def find(self, of: FlowTuple, zone: int = 0) -> tuple[Flow, bool] | None:
        """____nf_conntrack_find: the flow of a tuple, and whether it is a reply's; those whose time is over go."""
        found = self.entries.get((zone, of))
        if found is not None and found[0].timeout <= self.now:
            self.kill(found[0])
            return None
        return found

    def lookup(self, of: FlowTuple, zone: int, directions: int) -> tuple[Flow, bool] | None:
        """As ``find``, in a zone that may be of one direction alone (nf_conntrack_find_get)."""
        for there in {zone if directions & 1 else 0: None, zone if directions & 2 else 0: None}:
            found = self.find(of, there)
            if found is not None:
                flow, reply = found
                if flow.zone_of(reply) == (zone if directions & (2 if reply else 1) else 0):
                    return found
        return None

    def create(self, of: FlowTuple) -> Flow | None:
        """__nf_conntrack_alloc; None: nothing answers such a packet, or the table is full."""
        reply = invert(of)
        if reply is None:
            return None
        self._number += 1
        return Flow(of, reply, self._number)

    @property
    def is_full(self) -> bool:
        return len(self.entries) >= 2 * self._highest

    def make_room(self) -> bool:
        """early_drop: of the flows without ``assured`` the oldest goes. Which one the kernel takes is by chance."""
        for flow in self.flows():
            if not flow.status & ASSURED or may_be_evicted(flow):
                self.kill(flow)
                return True
        return False

    def flows(self) -> Iterator[Flow]:
        """The flows that live, the oldest first."""
        for flow, reply in list(self.entries.values()):
            if reply and flow.timeout > self.now and not flow.status & DYING:
                yield flow

    def confirm(self, flow: Flow) -> Flow | None:
        """__nf_conntrack_confirm: puts a flow into the table, once its first packet is through. Another one in its
        place: the packet is that one's. None: the packet is dropped.
        """
        original, reply = (flow.zone_of(False), flow.original), (flow.zone_of(True), flow.reply)
        clash = self.find(flow.original, original[0]) or self.find(flow.reply, reply[0])
        if clash is not None:
            return self._resolve(flow, clash[0])
        flow.timeout += self.now
        flow.status |= CONFIRMED
        self.entries[original] = (flow, False)
        self.entries[reply] = (flow, True)
        return flow

    def _resolve(self, loser: Flow, flow: Flow) -> Flow | None:
        """nf_ct_resolve_clash."""
        if flow.protocol not in _MAY_CLASH:
            return None
        same = (flow.original, flow.reply, flow.zone) == (loser.original, loser.reply, loser.zone)
        if not flow.status & (SNAT_DONE | DNAT_DONE) or same:
            return flow
        taken = self.find(loser.reply, loser.zone_of(True))
        if taken is not None:
            other = taken[0]
            same = (other.original, other.reply, other.zone) == (loser.original, loser.reply, loser.zone)
            return other if same or not other.status & (SNAT_DONE | DNAT_DONE) else None
        loser.timeout = self.now + SECOND
        loser.status |= FIXED_TIMEOUT | NAT_CLASH | CONFIRMED
        self.entries[loser.zone_of(True), loser.reply] = (loser, True)
        return loser

    def is_taken(self, reply: FlowTuple, ignored: Flow) -> bool:
        """nf_conntrack_tuple_taken: whether a flow other than this one has the tuple."""
        found = self.find(reply, ignored.zone_of(True))
        if found is None:
            return False
        flow = found[0]
        same_flow = flow.original == ignored.original and flow.zone_of(False) == ignored.zone_of(False)
        return flow is not ignored and not same_flow

    def kill(self, flow: Flow) -> bool:
        """nf_ct_delete; False: it was dying already."""
        if flow.status & DYING:
            return False
        flow.status |= DYING
        for key in ((flow.zone_of(False), flow.original), (flow.zone_of(True), flow.reply)):
            found = self.entries.get(key)
            if found is not None and found[0] is flow:
                del self.entries[key]
        self.expectations.remove_of(flow)
        self.forget_source(flow)
        if flow.on_end is not None:
            flow.on_end()
        return True

    def note_source(self, flow: Flow) -> None:
        """nf_nat_core.c, nf_nat_setup_info: flows by their source, so that one source keeps one mapping."""
        six, protocol, source, _, left, _ = flow.original
        self.by_source.setdefault((six, protocol, source, left), []).insert(0, flow)

    def forget_source(self, flow: Flow) -> None:
        six, protocol, source, _, left, _ = flow.original
        flows = self.by_source.get((six, protocol, source, left))
        if flows is not None and flow in flows:
            flows.remove(flow)
