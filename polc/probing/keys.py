"""What packets have for keys of named sets."""

from __future__ import annotations

from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import CtState
from polc.ir.selectors import Conntrack, Direction, InterfacePattern, KeyType, KeyValue, Selector, Side, Transport
from polc.kernel.stage.scene import FAR_MAC
from polc.probing.build import interface_of
from polc.probing.fit import ATTRIBUTES
from polc.simulate.packet import Packet

_BLOCK = 4
"""Addresses of a network that is put into a set of networks: both its ends can be tried, and what is beside."""


def part_of(packet: Packet, selector: Selector) -> KeyValue | None:
    """What a packet has for a part of a key; None: it has none, or nobody knows which."""
    number: int | None = None
    match selector:
        case Side():
            number = packet.saddr if selector is Side.SADDR else packet.daddr
        case Direction():
            name = interface_of(packet, selector)
            return InterfacePattern(name) if name else None
        case Transport.SPORT:
            number = packet.sport
        case Transport.DPORT:
            number = packet.dport
        case Transport.PROTOCOL:
            number = packet.protocol
        case Conntrack():
            number = (packet.presumed.state if packet.presumed else CtState.NEW).value
        case Field.CT_MARK:
            number = packet.presumed.mark if packet.presumed else 0
        case Field.ETHER_SADDR if packet.iif:
            number = int(FAR_MAC.replace(":", ""), 16) if packet.mac is None else packet.mac
        case Field() if selector in ATTRIBUTES:
            number = getattr(packet, ATTRIBUTES[selector])
        case _:
            return None
    return None if number is None else Intervals.single(number)


def widened(part: KeyType, value: KeyValue) -> KeyValue:
    """Of an address the network that it is in."""
    if part not in (KeyType.IPV4_ADDR, KeyType.IPV6_ADDR) or not isinstance(value, Intervals):
        return value
    low = value.ranges[0][0] // _BLOCK * _BLOCK
    return Intervals(((low, low + _BLOCK - 1),))
