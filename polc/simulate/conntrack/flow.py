"""Tracked flows and their tuples (include/net/netfilter/nf_conntrack.h, nf_conntrack_tuple.h)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from polc.ir.fields import CT_STATUS_BITS
from polc.ir.protocols import ICMP, ICMPV6, TRACKED_PORTS
from polc.simulate.flight import Flight
from polc.simulate.packet import GRE, Packet

if TYPE_CHECKING:
    from polc.simulate.conntrack.expect import Expectation
    from polc.simulate.conntrack.sctp import Sctp
    from polc.simulate.conntrack.tcp import Tcp

EXPECTED, SEEN_REPLY, ASSURED, CONFIRMED, SNAT, DNAT, DYING = (
    CT_STATUS_BITS[name] for name in ("expected", "seen-reply", "assured", "confirmed", "snat", "dnat", "dying")
)
SNAT_DONE, DNAT_DONE, FIXED_TIMEOUT, NAT_CLASH = 0x80, 0x100, 0x400, 0x1000
"""uapi/linux/netfilter/nf_conntrack_common.h, enum ip_conntrack_status."""

NAT_MASK = SNAT | DNAT

SECOND = 1_000_000_000
"""Times are whole nanoseconds."""

FlowTuple = tuple[bool, int, int, int, int, int]
"""(is IPv6, protocol, source, destination, and what the protocol has on either side): ports, the keys of GRE; the
identifier of ICMP on the left, its type and code on the right.
"""

_ICMP = (ICMP, ICMPV6)
# net/netfilter/nf_conntrack_proto_icmp.c, invmap: echo, timestamp, information and address mask.
_ICMP_INVERSE = {8: 0, 0: 8, 13: 14, 14: 13, 15: 16, 16: 15, 17: 18, 18: 17}
# nf_conntrack_proto_icmpv6.c, invmap: echo and node information (RFC 4620).
_ICMPV6_INVERSE = {128: 129, 129: 128, 139: 140, 140: 139}


def invert(of: FlowTuple) -> FlowTuple | None:
    """The tuple of an answer; None: nothing answers this (nf_conntrack_core.c, nf_ct_invert_tuple)."""
    six, protocol, source, destination, left, right = of
    if protocol in _ICMP:
        inverse = (_ICMPV6_INVERSE if protocol == ICMPV6 else _ICMP_INVERSE).get(right >> 8)
        if inverse is None:
            return None
        return six, protocol, destination, source, left, inverse << 8 | right & 0xFF
    return six, protocol, destination, source, right, left


def inverted(of: FlowTuple) -> FlowTuple:
    """As ``invert``, of a tuple that a flow has."""
    found = invert(of)
    assert found is not None
    return found


def tuple_of(flight: Flight, keys: dict[tuple[bool, int, int, int], int]) -> FlowTuple | None:
    """The tuple of a packet (nf_conntrack_core.c, nf_ct_get_tuple); None: it has none. ``keys`` are PPTP's, of
    which a packet only has the one of its destination (nf_conntrack_proto_gre.c, gre_pkt_to_tuple).
    """
    if flight.packet.fragment:
        return None
    protocol = flight.protocol
    if flight.sport >= 0 and protocol in TRACKED_PORTS:
        return flight.six, protocol, flight.saddr, flight.daddr, flight.sport, flight.dport
    if protocol in _ICMP:
        return flight.six, protocol, flight.saddr, flight.daddr, flight.id, flight.type << 8 | flight.code
    if protocol == GRE and flight.call_id is not None:
        key = keys.get((flight.six, flight.saddr, flight.daddr, flight.call_id), 0)
        return flight.six, protocol, flight.saddr, flight.daddr, key, flight.call_id
    return flight.six, protocol, flight.saddr, flight.daddr, 0, 0


def tuple_of_quoted(packet: Packet) -> FlowTuple | None:
    """The tuple of a packet that an ICMP error quotes (nf_conntrack_core.c, nf_ct_get_tuplepr)."""
    return tuple_of(Flight(packet), {})


class Flow:
    """One entry of the table: ``struct nf_conn``.

    ``timeout`` is a time once the flow is confirmed, until then how long it will live from there. ``proto`` is what
    its protocol keeps; of UDP, when it begins to be a stream. ``packets`` and ``bytes`` are of both directions.
    """

    __slots__ = (
        "bytes", "expectations", "gre_timeouts", "helper", "helper_data", "helper_set", "labels", "mark", "masq_out",
        "master", "number", "offloaded", "on_end", "original", "packets", "proto", "reply", "status", "stream_at",
        "timeout", "timeouts", "zone", "zone_directions",
    )  # fmt: skip

    def __init__(self, original: FlowTuple, reply: FlowTuple, number: int) -> None:
        self.original = original
        self.reply = reply
        self.number = number
        self.status = 0
        self.mark = 0
        self.zone = 0
        self.zone_directions = 3
        self.timeout = 0
        self.timeouts: dict[str, int] | None = None
        self.master: Flow | None = None
        self.helper = ""
        self.helper_set = False
        self.helper_data: object = None
        self.expectations: list[Expectation] = []
        self.proto: Tcp | Sctp | None = None
        self.stream_at = 0
        self.gre_timeouts: tuple[int, int] | None = None
        self.packets = [0, 0]
        self.bytes = [0, 0]
        self.masq_out = ""
        self.offloaded = ""
        self.on_end: Callable[[], None] | None = None
        self.labels = 0

    @property
    def protocol(self) -> int:
        return self.original[1]

    def tuple(self, reply: bool) -> FlowTuple:
        """The tuple that packets of a direction have when they come in."""
        return self.reply if reply else self.original

    def zone_of(self, reply: bool) -> int:
        """The zone in which a direction is looked up (include/net/netfilter/nf_conntrack_zones.h, nf_ct_zone_id)."""
        return self.zone if self.zone_directions & (2 if reply else 1) else 0


def has_ports(of: FlowTuple) -> bool:
    return of[1] in TRACKED_PORTS
