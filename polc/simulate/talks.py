"""Sequence numbers of TCP as ends that behave well have them (RFC 9293, 3.4).

They are part of what is put in, and so the same for whoever judges what becomes of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from polc.ir.protocols import TCP
from polc.simulate.packet import ACK, FIN, SYN, Packet

_FIRST = (1000, 500000)
"""Where the numbers of the end that speaks first, and of the other one, begin."""

Ends = tuple[int, int | None, int, int | None]


@dataclass(slots=True)
class _Talk:
    """The next number of either end, by what the ends are called in each form that the talk was seen in."""

    next: list[int] = field(default_factory=lambda: [*_FIRST])
    sides: dict[Ends, int] = field(default_factory=dict)


class Talks:
    """Talks by their addresses and ports; one that NAT changes has several."""

    def __init__(self) -> None:
        self._talks: dict[Ends, _Talk] = {}

    def numbered(self, packet: Packet) -> Packet:
        """The packet with ``seq`` and ``ack`` where it names none; it counts as sent."""
        if packet.protocol != TCP or packet.fragment:
            return packet
        ends = _ends(packet)
        talk = self._talks.get(ends)
        if talk is None:
            talk = _Talk()
            self._join(talk, ends, 0)
        side = talk.sides[ends]
        number = talk.next[side] if packet.seq is None else packet.seq
        taken = packet.data_bytes + bool(packet.flags & SYN) + bool(packet.flags & FIN)
        talk.next[side] = number + taken & 0xFFFFFFFF
        acknowledged = talk.next[1 - side] if packet.flags & ACK else 0
        return replace(packet, seq=number, ack=acknowledged if packet.ack is None else packet.ack)

    def seen_as(self, sent: Packet, seen: Packet) -> None:
        """Notes what became of a packet's ends on the way."""
        talk = self._talks.get(_ends(sent))
        if talk is not None and seen.protocol == TCP:
            self._join(talk, _ends(seen), talk.sides[_ends(sent)])

    def _join(self, talk: _Talk, ends: Ends, side: int) -> None:
        source, sport, destination, dport = ends
        for key, of in ((ends, side), ((destination, dport, source, sport), 1 - side)):
            talk.sides[key] = of
            self._talks[key] = talk


def _ends(packet: Packet) -> Ends:
    return packet.saddr, packet.sport, packet.daddr, packet.dport
