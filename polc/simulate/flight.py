"""A packet on its way through the hooks: what rules and NAT can change of it, and what conntrack makes of it.

The kernel's ``struct sk_buff``. Plain slots and integers, because this is what every match of every rule reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from polc.ir.family import Family
from polc.ir.matches import CtState
from polc.simulate.packet import Packet

if TYPE_CHECKING:
    from polc.simulate.conntrack.flow import Flow

INVALID, ESTABLISHED, RELATED, NEW, UNTRACKED = (
    one.value for one in (CtState.INVALID, CtState.ESTABLISHED, CtState.RELATED, CtState.NEW, CtState.UNTRACKED)
)


class Flight:
    """``sport`` and ``dport`` are -1 where there are none. ``state`` is INVALID before conntrack has seen the packet,
    as ``ct state`` is there (net/netfilter/nft_ct.c, nft_ct_get_eval). ``reply``: it goes against the direction of
    its flow. ``template_*`` is what rules before conntrack have said of the flow.
    """

    __slots__ = (
        "call_id", "code", "daddr", "dport", "dscp", "ecn", "family", "flags", "flow", "id", "iif", "length", "mark",
        "mss", "oif", "packet", "payload", "protocol", "quoted", "reply", "saddr", "six", "sport", "state", "template",
        "ttl", "type",
    )  # fmt: skip

    def __init__(self, packet: Packet) -> None:
        self.packet = packet
        self.family = packet.family
        self.six = packet.family is Family.IP6
        self.protocol = packet.protocol
        self.saddr = packet.saddr
        self.daddr = packet.daddr
        self.sport = -1 if packet.sport is None else packet.sport
        self.dport = -1 if packet.dport is None else packet.dport
        self.type = packet.type
        self.code = packet.code
        self.id = packet.id
        self.flags = packet.flags
        self.ttl = packet.ttl
        self.dscp = packet.dscp
        self.ecn = packet.ecn
        self.mark = packet.mark
        self.length = packet.total_length
        self.mss = packet.mss
        self.iif = packet.iif
        self.oif = ""
        self.payload = packet.payload
        self.quoted = packet.quoted
        self.call_id = packet.call_id
        self.flow: Flow | None = None
        self.state = INVALID
        self.reply = False
        self.template: Template | None = None

    def now(self) -> Packet:
        """The packet as it is at this moment."""
        was = self.packet
        return Packet(
            self.family, self.protocol, self.saddr, self.daddr,
            None if self.sport < 0 else self.sport, None if self.dport < 0 else self.dport,
            self.iif, self.oif, self.flags, was.seq, was.ack, was.window, was.options, self.mss, was.wscale, was.sack,
            self.type, self.code, self.id, self.quoted, was.chunks, was.vtag, was.init_tag,
            self.call_id, self.ttl, self.dscp, self.ecn, was.length, self.payload, was.fragment, was.ipsec, was.socket, was.bad_checksum, self.mark,
            was.uid, was.gid, was.cgroup, was.mac, was.pkttype, was.os, was.presumed,
        )  # fmt: skip


class Template:
    """What is said of a flow before there is one: iptables' ``CT`` target, nft's ``ct zone set``
    (net/netfilter/xt_CT.c, nft_ct.c).
    """

    __slots__ = ("helper", "timeout", "zone", "zone_directions")

    def __init__(self) -> None:
        self.zone = 0
        self.zone_directions = 3
        self.helper = ""
        self.timeout: dict[str, int] | None = None
