"""Datagrams as they are on the wire, to packets. What is cut off at the end is taken as far as it goes."""

from __future__ import annotations

from dataclasses import replace

from polc.ir.family import Family
from polc.ir.protocols import DCCP, ICMP, ICMPV6, MOBILITY, PORT_PROTOCOLS, SCTP, TCP, UDP, UDPLITE
from polc.simulate.packet import GRE, Packet

_ESP, _AH = 50, 51
_HOP_BY_HOP, _ROUTING, _FRAGMENT, _DESTINATION = 0, 43, 44, 60
_HEADERS = {_HOP_BY_HOP: "hbh", _ROUTING: "rt", _FRAGMENT: "frag", _DESTINATION: "dst"}
_GRE_VERSION_1 = 1
_MAXSEG, _WSCALE, _SACK = 2, 3, 5


class NoDatagram(ValueError):
    """The bytes are no IPv4 or IPv6 datagram; the text says why."""


def read_datagram(data: bytes, *, deep: bool = True) -> Packet:
    """The packet of a datagram, from its IP header on; ``deep``: with what an ICMP error quotes.

    Raises:
        NoDatagram.
    """
    if not data:
        raise NoDatagram("it is empty")
    if data[0] >> 4 == 4:
        packet, body = _read_ip(data)
    elif data[0] >> 4 == 6:
        packet, body = _read_ip6(data)
    else:
        raise NoDatagram(f"its version is {data[0] >> 4}")
    if packet.fragment:
        return replace(packet, payload=body)
    return _read_body(packet, body, deep)


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size].ljust(size, b"\0"), "big")


def _read_ip(data: bytes) -> tuple[Packet, bytes]:
    size = (data[0] & 15) * 4
    if size < 20 or len(data) < size:
        raise NoDatagram("its header is cut off")
    total = _number(data, 2, 2) or len(data)
    packet = Packet(
        Family.IP, data[9], _number(data, 12, 4), _number(data, 16, 4), ttl=data[8], dscp=data[1] >> 2,
        ecn=data[1] & 3, length=total, fragment=bool(_number(data, 6, 2) & 0x1FFF),
    )  # fmt: skip
    return packet, data[size:total]


def _read_ip6(data: bytes) -> tuple[Packet, bytes]:
    if len(data) < 40:
        raise NoDatagram("its header is cut off")
    total = 40 + _number(data, 4, 2)
    traffic_class = _number(data, 0, 2) >> 4 & 0xFF
    protocol, at, names = data[6], 40, set()
    fragment, mobility = False, None
    while protocol in _HEADERS and at + 8 <= len(data):
        names.add(_HEADERS[protocol])
        if protocol == _FRAGMENT:
            fragment |= _number(data, at + 2, 2) >> 3 != 0
        size = 8 if protocol == _FRAGMENT else (data[at + 1] + 1) * 8
        protocol, at = data[at], at + size
        if fragment:
            break
    if protocol == MOBILITY and not fragment and at + 8 <= len(data):
        mobility = data[at + 2]
    packet = Packet(
        Family.IP6, protocol, _number(data, 8, 16), _number(data, 24, 16), ttl=data[7], dscp=traffic_class >> 2,
        ecn=traffic_class & 3, length=total, fragment=fragment, headers=frozenset(names), mh_type=mobility,
    )  # fmt: skip
    return packet, data[at:total]


def _read_body(packet: Packet, body: bytes, deep: bool) -> Packet:
    protocol = packet.protocol
    if protocol in PORT_PROTOCOLS:
        packet = replace(packet, sport=_number(body, 0, 2), dport=_number(body, 2, 2))
    match protocol:
        case _ if protocol == TCP:
            return _read_tcp(packet, body)
        case _ if protocol in (UDP, UDPLITE):
            return replace(packet, payload=body[8:])
        case _ if protocol in (ICMP, ICMPV6):
            return _read_icmp(packet, body, deep)
        case _ if protocol == SCTP:
            return _read_sctp(packet, body)
        case _ if protocol == DCCP:
            return replace(packet, dccp_type=_number(body, 8, 1) >> 1 & 15)
        case _ if protocol == GRE:
            call = _number(body, 6, 2) if _number(body, 0, 2) & 7 == _GRE_VERSION_1 else None
            return replace(packet, call_id=call, payload=body[4:])
        case _ if protocol in (_ESP, _AH):
            return replace(packet, spi=_number(body, 0 if protocol == _ESP else 4, 4))
        case _:
            return replace(packet, payload=body)


def _read_tcp(packet: Packet, body: bytes) -> Packet:
    size = max(20, (_number(body, 12, 1) >> 4) * 4)
    kinds: set[int] = set()
    mss = wscale = None
    sack: list[int] = []
    at = 20
    while at < min(size, len(body)):
        kind = body[at]
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        length = _number(body, at + 1, 1)
        if length < 2:
            break
        kinds.add(kind)
        if kind == _MAXSEG and length == 4:
            mss = _number(body, at + 2, 2)
        elif kind == _WSCALE and length == 3:
            wscale = _number(body, at + 2, 1)
        elif kind == _SACK:
            sack += [_number(body, edge + 4, 4) for edge in range(at + 2, at + length - 7, 8)]
        at += length
    return replace(
        packet, flags=_number(body, 13, 1), seq=_number(body, 4, 4), ack=_number(body, 8, 4),
        window=_number(body, 14, 2), options=frozenset(kinds - {_MAXSEG, _WSCALE, _SACK}), mss=mss, wscale=wscale,
        sack=tuple(sack), payload=body[size:],
    )  # fmt: skip


def _read_icmp(packet: Packet, body: bytes, deep: bool) -> Packet:
    packet = replace(packet, type=_number(body, 0, 1), code=_number(body, 1, 1))
    if not packet.is_icmp_error:
        return replace(packet, id=_number(body, 4, 2), payload=body[8:])
    if deep:
        try:
            return replace(packet, quoted=read_datagram(body[8:], deep=False))
        except NoDatagram:
            pass
    return replace(packet, payload=body[8:])


def _read_sctp(packet: Packet, body: bytes) -> Packet:
    chunks: list[int] = []
    at, init_tag = 12, None
    while at + 4 <= len(body):
        length = _number(body, at + 2, 2)
        chunks.append(body[at])
        if body[at] in (1, 2):
            init_tag = _number(body, at + 4, 4)
        if not length:
            break
        at += (length + 3) & ~3
    return replace(packet, vtag=_number(body, 4, 4), init_tag=init_tag, chunks=tuple(chunks))
