"""A packet on its way through the hooks: what rules and NAT can change of it, and what conntrack makes of it.

The kernel's ``struct sk_buff``. Plain slots and integers, because this is what every match of every rule reads.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from polc.ir.family import Family
from polc.ir.matches import CtState
from polc.ir.ruleset import Hook
from polc.simulate.packet import SACK, WSCALE, Packet

if TYPE_CHECKING:
    from polc.simulate.conntrack.flow import Flow

INVALID, ESTABLISHED, RELATED, NEW, UNTRACKED = (
    one.value for one in (CtState.INVALID, CtState.ESTABLISHED, CtState.RELATED, CtState.NEW, CtState.UNTRACKED)
)


class Flight:
    """``sport`` and ``dport`` are -1 where there are none. ``state`` is INVALID before conntrack has seen the packet,
    as ``ct state`` is there (net/netfilter/nft_ct.c, nft_ct_get_eval); ``tracked``: it has. ``reply``: the packet goes
    against the direction of its flow. ``template`` is what rules before conntrack have said of the flow. ``local``: a
    socket of the host has sent it. ``attached``: it is an answer to a packet, tied to what conntrack knows of that, be
    it nothing (nf_conntrack_core.c, nf_conntrack_attach). ``hook`` is where it is.
    """

    __slots__ = (
        "attached", "call_id", "code", "daddr", "dport", "dscp", "ecn", "family", "flags", "flow", "hook", "id", "iif",
        "length", "local", "mark", "mss", "oif", "packet", "payload", "priority", "protocol", "quoted",
        "reply", "saddr", "six", "sport", "state", "stripped", "template", "tproxied", "tracked", "ttl", "type",
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
        self.stripped: frozenset[int] = frozenset()
        self.priority = packet.priority
        self.local = False
        self.attached = False
        self.tproxied = False
        self.iif = packet.iif
        self.oif = ""
        self.payload = packet.payload
        self.quoted = packet.quoted
        self.call_id = packet.call_id
        self.flow: Flow | None = None
        self.hook = Hook.PREROUTING
        self.state = INVALID
        self.reply = False
        self.tracked = False
        self.template: Template | None = None

    def now(self) -> Packet:
        """The packet as it is at this moment."""
        was = self.packet
        return replace(
            was, saddr=self.saddr, daddr=self.daddr, sport=None if self.sport < 0 else self.sport,
            dport=None if self.dport < 0 else self.dport, iif=self.iif, oif=self.oif,
            options=was.options - self.stripped, mss=self.mss, wscale=None if WSCALE in self.stripped else was.wscale,
            sack=() if SACK in self.stripped else was.sack, id=self.id, quoted=self.quoted, call_id=self.call_id,
            ttl=self.ttl, dscp=self.dscp, payload=self.payload, mark=self.mark, priority=self.priority,
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
