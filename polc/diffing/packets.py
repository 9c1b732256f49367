"""Points of a space as packets of the simulator, without what goes without saying."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from polc.diffing.answers import NoPacket
from polc.diffing.pick import Point
from polc.diffing.roads import Road
from polc.ir.fields import TCP_FLAG_BITS, Field
from polc.ir.matches import CtState, FlagField
from polc.ir.protocols import ICMPV6, TCP
from polc.proving.replay import NoReplay, asked_of
from polc.proving.replay import packet_of as presumed_packet
from polc.simulate import Packet
from polc.symbolic.space import Of, Space
from polc.symbolic.witness import witness_of

NOON = 43200.0
"""The time of day at which packets are sent where it does not matter."""
_FIRST_DAY = 4
"""1970 began on a Thursday."""
_DISCOVERY = range(133, 138)
_SYN, _ACK = TCP_FLAG_BITS["syn"], TCP_FLAG_BITS["ack"]


def packet_of(space: Space, road: Road, point: Point, asked: Collection[int]) -> Packet:
    """The packet as it comes in or is sent; ``asked`` are the variables that decide about it.

    Raises:
        NoPacket: what the point says cannot be said of a packet.
    """
    witness = asked_of(witness_of(space, dict(point)), [space.variables[one] for one in asked])
    try:
        packet = presumed_packet(witness, road.hook)
    except NoReplay as why:
        raise NoPacket(str(why)) from None
    fields = dict(witness.fields).keys()
    packet = replace(
        packet,
        mac=packet.mac if Field.ETHER_SADDR in fields else None,
        mac_to=packet.mac_to if Field.ETHER_DADDR in fields else None,
        ttl=packet.ttl if fields & {Field.TTL, Field.HOPLIMIT} else 64,
    )
    if packet.protocol == ICMPV6 and packet.type in _DISCOVERY and Field.HOPLIMIT not in fields:
        packet = replace(packet, ttl=255)
    if packet.protocol == TCP and not packet.fragment:
        packet = replace(packet, flags=_usual_flags(space, packet.flags))
    shown = packet.presumed
    if shown is not None and not (shown.status or shown.mark or shown.reply or shown.helper):
        # What conntrack makes of a first packet by itself.
        state = None if shown.state is CtState.NEW else replace(shown, status=None, mark=None, reply=None)
        packet = replace(packet, presumed=state)
    return packet


def _usual_flags(space: Space, flags: int) -> int:
    """A SYN or an ACK where rules cannot tell it from the flags that stand for the class."""
    place = space.flags[FlagField.TCP_FLAGS].place
    return next((one for one in (_SYN, _ACK) if place[one] == place[flags]), flags)


def start_of(space: Space, point: Point) -> float:
    """The time of day of the point, in seconds since 1970."""
    found = {one.detail: point[one.number] for one in space.variables if one.of is Of.FIELD and one.number in point}
    day = found.get(Field.META_DAY, _FIRST_DAY)
    return float((day - _FIRST_DAY) % 7 * 86400 + found.get(Field.META_HOUR, int(NOON)))
