"""Packets put together by chance from those that rules ask for: what no rule is about, and what several are about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

from polc.ir.family import Family
from polc.ir.protocols import ICMP, ICMPV6, SCTP, TCP, UDP
from polc.probing.paths import Links, Path
from polc.simulate.packet import SYN, Packet

_FLAGS = (0x02, 0x12, 0x10, 0x18, 0x11, 0x04, 0x14, 0x01, 0x00, 0x29, 0x03, 0x06, 0x3F)
"""SYN, SYN ACK, ACK, PSH ACK, FIN ACK, RST, RST ACK, and what no end sends."""


def mixed(packets: Sequence[Packet], families: Sequence[Family], links: Links, chance: Random) -> Iterator[Packet]:
    """Without end. Each has its path, the parts of its header and its ends from different packets of ``packets``, or
    from nowhere.
    """
    number = 0
    while True:
        number += 1
        family = chance.choice(families)
        path = chance.choice((Path.INPUT, Path.INPUT, Path.FORWARD, Path.FORWARD, Path.OUTPUT, Path.LOOP))
        plain = links.packet(path, family, number, chance.choice(links.names), chance.choice(links.names))
        same = [one for one in packets if one.family is family and _path(one) is path and one.presumed is None]
        if plain.iif and plain.iif == plain.oif:
            continue
        header = _header(chance, plain, same)
        if not same or chance.random() < 0.2:
            yield header
            continue
        # An address and its interface belong together.
        place = chance.choice(same)
        ends = replace(header, iif=place.iif, oif=place.oif, saddr=place.saddr, daddr=place.daddr)
        other = chance.choice([one for one in same if (one.iif, one.oif) == (place.iif, place.oif)])
        yield replace(ends, saddr=other.saddr) if chance.random() < 0.5 else replace(ends, daddr=other.daddr)


def _path(packet: Packet) -> Path:
    if packet.iif:
        return Path.FORWARD if packet.oif else Path.INPUT
    return Path.LOOP if packet.oif == "lo" else Path.OUTPUT


def _header(chance: Random, packet: Packet, same: Sequence[Packet]) -> Packet:
    """The packet with the transport header of another one, or with one by chance."""
    if same and chance.random() < 0.6:
        one = chance.choice(same)
        if not one.is_icmp_error:
            return replace(
                packet, protocol=one.protocol, sport=one.sport, dport=one.dport, flags=one.flags, type=one.type,
                code=one.code, id=one.id, chunks=one.chunks,
            )  # fmt: skip
    echo = (ICMP, 8) if packet.family is Family.IP else (ICMPV6, 128)
    protocol = chance.choice((TCP, TCP, TCP, UDP, UDP, echo[0], SCTP))
    if protocol == echo[0]:
        return replace(
            packet, protocol=protocol, sport=None, dport=None, flags=0, type=echo[1], id=chance.randrange(1, 32768)
        )
    sport, dport = chance.randrange(1024, 65536), chance.randrange(1, 65536)
    flags = 0 if protocol != TCP else chance.choice((SYN, SYN, SYN, *_FLAGS))
    return replace(
        packet, protocol=protocol, sport=sport, dport=dport, flags=flags, chunks=(1,) if protocol == SCTP else None
    )
