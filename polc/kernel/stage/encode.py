"""Packets as bytes, from the IP header on."""

from __future__ import annotations

import struct

from polc.ir.family import Family
from polc.ir.protocols import DCCP, ICMP, ICMPV6, SCTP, TCP, UDP, UDPLITE
from polc.kernel.stage.checksums import crc32c, internet
from polc.simulate.conntrack.sctp import USUAL_TAG
from polc.simulate.packet import FRAGMENT, GRE, MAXSEG, SACK, SACK_PERM, TIMESTAMP, WSCALE, Packet

_BETWEEN = {FRAGMENT: 44, "rt": 43, "dst": 60, "hbh": 0}
"""Extension headers by nft's names, from the last one to the first (RFC 8200, 4.1; IANA, Assigned Internet Protocol
Numbers).
"""
_NOTHING = 59
_FRAGMENT_UNITS = 185
"""Where a second fragment begins, in units of 8 bytes: as over Ethernet. One that begins at the first is taken for an
attack (net/netfilter/xt_tcpudp.c, tcp_mt).
"""


def encode(packet: Packet, tag: int = 1) -> bytes:
    """The whole datagram. Lengths that the headers do not fill are filled with zeros. ``tag``, 1..65535, is the
    identification of IPv4 or the flow label of IPv6, which no router changes.
    """
    room = max(0, packet.transport_bytes - (0 if packet.fragment else packet.header_bytes))
    quoted = _quoted(packet)
    payload = (quoted + packet.payload).ljust(room, b"\0") if packet.length is not None else quoted + packet.payload
    body = payload if packet.fragment else _segment(packet, payload)
    return _ip(packet, body, tag) if packet.family is Family.IP else _ip6(packet, body, tag)


def tag_of(data: bytes) -> int:
    """The tag of a datagram, 0 where it has none."""
    return int.from_bytes(data[4:6] if data[0] >> 4 == 4 else data[2:4], "big")


def _quoted(packet: Packet) -> bytes:
    """The packet that an ICMP error is about, cut to what such errors carry (RFC 1812, 4.3.2.3; RFC 4443, 2.4)."""
    return encode(packet.quoted)[:548] if packet.quoted else b""


def _ip(packet: Packet, body: bytes, tag: int) -> bytes:
    ends = packet.saddr.to_bytes(4, "big") + packet.daddr.to_bytes(4, "big")
    offset = _FRAGMENT_UNITS if packet.fragment else 0

    def head(check: int) -> bytes:
        tos = packet.dscp << 2 | packet.ecn
        fields = (0x45, tos, 20 + len(body), tag, offset, packet.ttl, packet.protocol, check)
        return struct.pack(">BBHHHBBH", *fields) + ends

    return head(internet(head(0))) + body


def _ip6(packet: Packet, body: bytes, tag: int) -> bytes:
    first = 6 << 28 | (packet.dscp << 2 | packet.ecn) << 20 | tag
    following = packet.protocol
    for name, number in _BETWEEN.items():
        if name in packet.between:
            body = _header(packet, name, following) + body
            following = number
    ends = packet.saddr.to_bytes(16, "big") + packet.daddr.to_bytes(16, "big")
    return struct.pack(">IHBB", first, len(body), following, packet.ttl) + ends + body


def _header(packet: Packet, name: str, following: int) -> bytes:
    """An extension header that asks for nothing (RFC 8200, 4.2 to 4.6)."""
    if name == FRAGMENT:
        return struct.pack(">BBHI", following, 0, _FRAGMENT_UNITS << 3 if packet.fragment else 0, 1)
    if name == "rt":
        return struct.pack(">BBBB4x", following, 0, 0, 0)
    return struct.pack(">BBBB4x", following, 0, 1, 4)


def _segment(packet: Packet, payload: bytes) -> bytes:
    ports = packet.sport or 0, packet.dport or 0
    match packet.protocol:
        case 6:
            return _summed(packet, _tcp(packet) + payload, 16)
        case 17:
            return _summed(packet, struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload, 6)
        case 136:
            return _summed(packet, struct.pack(">HHHH", *ports, 0, 0) + payload, 6)
        case 1 | 58:
            rest = packet.id << 16 | 1
            return _summed(packet, struct.pack(">BBHI", packet.type, packet.code, 0, rest) + payload, 2)
        case 132:
            return _sctp(packet, payload)
        case 33:
            return _summed(packet, _dccp(packet) + payload, 6)
        case 47:
            return _gre(packet, payload)
        case 50:
            return struct.pack(">II", packet.spi or 0, 1) + payload
        case 51:
            return _authentication(packet) + payload
        case _ if packet.is_mobile:
            # RFC 6275, 6.1.1
            return _summed(packet, struct.pack(">BBBxHH", _NOTHING, 0, packet.mh_type or 0, 0, 0) + payload, 4)
        case _:
            return payload


def _summed(packet: Packet, segment: bytes, at: int) -> bytes:
    """The segment with its checksum at an offset, over the pseudo header too but for ICMP (RFC 9293, 3.1)."""
    size = packet.family.bits // 8
    ends = packet.saddr.to_bytes(size, "big") + packet.daddr.to_bytes(size, "big")
    pseudo = b"" if packet.protocol == ICMP else ends + struct.pack(">II", len(segment), packet.protocol)
    check = internet(pseudo + segment)
    if packet.bad_checksum:
        check ^= 0x1111
    return segment[:at] + struct.pack(">H", check or 0xFFFF) + segment[at + 2 :]


def _tcp(packet: Packet) -> bytes:
    options = _tcp_options(packet)
    words = (packet.header_bytes // 4) << 4
    ports = packet.sport or 0, packet.dport or 0
    window = min(packet.window, 0xFFFF)
    return (
        struct.pack(">HHIIBBHHH", *ports, packet.seq or 0, packet.ack or 0, words, packet.flags, window, 0, 0) + options
    )


def _tcp_options(packet: Packet) -> bytes:
    """In the order of their kinds, and no-ops to whole words (RFC 9293, 3.1)."""
    found = b""
    for kind in sorted(packet.tcp_options):
        match kind:
            case 2:
                found += struct.pack(">BBH", MAXSEG, 4, 1460 if packet.mss is None else packet.mss)
            case 3:
                found += struct.pack(">BBB", WSCALE, 3, packet.wscale or 0)
            case 4:
                found += struct.pack(">BB", SACK_PERM, 2)
            case 5:
                blocks = (*packet.sack, 0, 0)[:2]
                found += struct.pack(">BBII", SACK, 10, *blocks)
            case 8:
                found += struct.pack(">BBII", TIMESTAMP, 10, 1, 0)
            case 19:
                found += struct.pack(">BB", 19, 18) + bytes(16)
            case _:
                found += struct.pack(">BB", kind, 2)
    return found.ljust(packet.header_bytes - 20, b"\1")


def _sctp(packet: Packet, payload: bytes) -> bytes:
    chunks = b"".join(_chunk(packet, kind) for kind in packet.chunks or (0,))
    ports = packet.sport or 0, packet.dport or 0
    segment = struct.pack(">HHII", *ports, packet.vtag or 0, 0) + chunks + payload
    check = crc32c(segment) ^ (0x1111 if packet.bad_checksum else 0)
    return segment[:8] + struct.pack("<I", check) + segment[12:]


def _chunk(packet: Packet, kind: int) -> bytes:
    """INIT and INIT ACK have the tag of their sender, and all else here nothing (RFC 9260, 3.3)."""
    if kind in (1, 2):
        return struct.pack(">BBHIIHHI", kind, 0, 20, packet.init_tag or USUAL_TAG, 65535, 1, 1, 1)
    return struct.pack(">BBH", kind, 0, 4)


def _dccp(packet: Packet) -> bytes:
    ports = packet.sport or 0, packet.dport or 0
    # Long sequence numbers, 5 words (RFC 4340, 5.1).
    return struct.pack(">HHBBHBBHII", *ports, 5, 0, 0, packet.dccp_type << 1 | 1, 0, 0, 1, 0)


def _authentication(packet: Packet) -> bytes:
    """Nothing follows; a value for the check of 12 bytes (RFC 4302, 2)."""
    return struct.pack(">BBHII", _NOTHING, 4, 0, packet.spi or 0, 1) + bytes(12)


def _gre(packet: Packet, payload: bytes) -> bytes:
    if packet.call_id is None:
        return struct.pack(">HH", 0, 0x0800) + payload
    # PPTP's version 1: key and sequence number present (RFC 2637, 4.1).
    return struct.pack(">HHHHI", 0x3001, 0x880B, len(payload), packet.call_id, 1) + payload


ENCODED = frozenset({TCP, UDP, UDPLITE, ICMP, ICMPV6, SCTP, DCCP, GRE})
"""Protocols whose headers are written; of others there is the payload alone."""
