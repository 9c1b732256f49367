"""Bytes that came out of a stage as packets, as far as what became of them has to be told."""

from __future__ import annotations

import struct

from polc.ir.family import Family
from polc.ir.protocols import ICMP, ICMPV6, PORT_PROTOCOLS, TCP
from polc.simulate.packet import Packet

_FRAGMENT_HEADER = 44


def decode(data: bytes, iif: str = "", oif: str = "") -> Packet | None:
    """The packet of a datagram, None where there is no such header. A quoted one is decoded too."""
    if len(data) >= 20 and data[0] >> 4 == 4:
        size = (data[0] & 15) * 4
        fragment = bool(struct.unpack_from(">H", data, 6)[0] & 0x1FFF)
        total = struct.unpack_from(">H", data, 2)[0]
        source, destination = (int.from_bytes(data[at : at + 4], "big") for at in (12, 16))
        return _packet(Family.IP, data[9], source, destination, data[size:total], data[8], data[1], fragment, iif, oif)
    if len(data) >= 40 and data[0] >> 4 == 6:
        source, destination = (int.from_bytes(data[at : at + 16], "big") for at in (8, 24))
        traffic = struct.unpack_from(">I", data)[0] >> 20 & 0xFF
        protocol, body, fragment = data[6], data[40 : 40 + struct.unpack_from(">H", data, 4)[0]], False
        if protocol == _FRAGMENT_HEADER and len(body) >= 8:
            fragment = bool(struct.unpack_from(">H", body, 2)[0] >> 3)
            protocol, body = body[0], body[8:]
        return _packet(Family.IP6, protocol, source, destination, body, data[7], traffic, fragment, iif, oif)
    return None


def _packet(
    family: Family, protocol: int, source: int, destination: int, body: bytes, ttl: int, traffic: int, fragment: bool,
    iif: str, oif: str,
) -> Packet:  # fmt: skip
    sport = dport = seq = ack = None
    flags = kind = code = number = 0
    payload, quoted = body, None
    if protocol in PORT_PROTOCOLS and len(body) >= 4 and not fragment:
        sport, dport = struct.unpack_from(">HH", body)
        payload = body[8:]
    if protocol == TCP and len(body) >= 20 and not fragment:
        seq, ack = struct.unpack_from(">II", body, 4)
        flags = body[13]
        payload = body[(body[12] >> 4) * 4 :]
    if protocol in (ICMP, ICMPV6) and len(body) >= 8 and not fragment:
        kind, code = body[0], body[1]
        number = struct.unpack_from(">H", body, 4)[0]
        payload = body[8:]
        error = kind in (3, 4, 5, 11, 12) if protocol == ICMP else kind < 128
        if error:
            quoted, payload = decode(payload), b""
    return Packet(
        family, protocol, source, destination, sport, dport, iif, oif, flags, seq, ack, type=kind, code=code, id=number,
        quoted=quoted, ttl=ttl, dscp=traffic >> 2, ecn=traffic & 3, payload=payload, fragment=fragment,
    )  # fmt: skip
