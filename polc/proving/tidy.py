"""A packet without what it would have of itself anyway."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from polc.ir.fields import Field
from polc.ir.matches import CtState
from polc.ir.protocols import TCP
from polc.simulate.packet import SYN, Packet, Presumed

_ETHER = frozenset({Field.ETHER_SADDR, Field.ETHER_DADDR, Field.ETHER_TYPE, Field.VLAN_ID})


def tidy(packet: Packet, reads: Collection[Field]) -> Packet:
    """The packet without link addresses where nobody reads them, and without presumptions that say nothing."""
    if not _ETHER & set(reads):
        packet = replace(packet, mac=None, mac_to=None)
    given = packet.presumed
    if given is None:
        return packet
    reply = given.reply if given.reply or Field.CT_DIRECTION in reads else None
    given = replace(given, mark=given.mark or None, status=given.status or None, reply=reply)
    begins = packet.protocol != TCP or packet.flags == SYN
    if given == Presumed(CtState.NEW) and begins and not packet.fragment:
        return replace(packet, presumed=None)
    return replace(packet, presumed=given)
