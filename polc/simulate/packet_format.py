"""A packet in canonical words, and as JSON: what ``packet_text.py`` and ``json_steps.py`` read back to the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from polc.ir.addresses import format_address
from polc.ir.family import Family
from polc.ir.fields import CT_STATUS_BITS, TCP_FLAG_BITS, TCP_OPTION_KINDS
from polc.ir.protocols import ICMP, ICMP_TYPES, ICMPV6, PROTOCOL_NAMES, TCP
from polc.simulate.packet import SYN, Packet
from polc.simulate.words import SCTP_CHUNKS

Json = str | int | bool | None | Sequence["Json"] | dict[str, "Json"]

_CHUNK_NAMES = {number: name for name, number in SCTP_CHUNKS.items()}
_OPTION_NAMES = {number: name for name, number in TCP_OPTION_KINDS.items()}


def kind_text(packet: Packet) -> str:
    """``tcp``, ``icmp/echo-request``, ``icmp/destination-unreachable/3``, ``47`` where there is no name."""
    name = PROTOCOL_NAMES.get(packet.protocol, str(packet.protocol))
    if packet.protocol not in (ICMP, ICMPV6):
        return name
    types = {number: word for word, number in ICMP_TYPES[packet.protocol].items()}
    text = f"{name}/{types.get(packet.type, packet.type)}"
    return f"{text}/{packet.code}" if packet.code else text


def flags_text(flags: int) -> str:
    """``syn,ack``, or ``none``."""
    return ",".join(name for name, bit in TCP_FLAG_BITS.items() if flags & bit) or "none"


def _quoted(text: str) -> str:
    escaped = "".join(
        {"\\": "\\\\", '"': '\\"', "\r": "\\r", "\n": "\\n", "\t": "\\t"}.get(one)
        or (one if one.isprintable() else f"\\x{ord(one):02x}")
        for one in text
    )
    return f'"{escaped}"'


def _options(packet: Packet) -> Iterator[tuple[str, list[str]]]:
    """Option and values of what a packet of its kind would not have of itself, in the order of the grammar."""
    if packet.iif:
        yield "in", [packet.iif]
    if packet.oif:
        yield "out", [packet.oif]
    if packet.protocol == TCP and packet.flags != SYN and not packet.fragment:
        yield "flags", flags_text(packet.flags).split(",")
    for name, value in (("seq", packet.seq), ("ack", packet.ack)):
        if value is not None:
            yield name, [str(value)]
    if packet.window != 65535:
        yield "window", [str(packet.window)]
    if packet.options:
        yield "options", [_OPTION_NAMES.get(kind, str(kind)) for kind in sorted(packet.options)]
    for name, value in (("mss", packet.mss), ("wscale", packet.wscale)):
        if value is not None:
            yield name, [str(value)]
    if packet.sack:
        yield "sack", [str(one) for one in packet.sack]
    if packet.id:
        yield "id", [str(packet.id)]
    if packet.chunks is not None:
        yield "chunks", [_CHUNK_NAMES.get(one, str(one)) for one in packet.chunks]
    for name, value in (("vtag", packet.vtag), ("init-tag", packet.init_tag), ("call-id", packet.call_id)):
        if value is not None:
            yield name, [str(value)]
    if packet.ttl != (255 if packet.protocol == ICMPV6 and 133 <= packet.type <= 137 else 64):
        yield "ttl", [str(packet.ttl)]
    for name, number in (("dscp", packet.dscp), ("ecn", packet.ecn)):
        if number:
            yield name, [str(number)]
    if packet.length is not None:
        yield "length", [str(packet.length)]
    if packet.payload:
        yield "payload", [_quoted(packet.payload.decode("latin-1"))]
    if packet.mark:
        yield "mark", [hex(packet.mark)]
    for name, value in (("uid", packet.uid), ("gid", packet.gid), ("cgroup", packet.cgroup)):
        if value is not None:
            yield name, [str(value)]
    if packet.mac is not None:
        yield "mac", [mac_text(packet.mac)]
    if packet.mac_to is not None:
        yield "mac-to", [mac_text(packet.mac_to)]
    for name, value in (("vlan", packet.vlan), ("spi", packet.spi), ("mh-type", packet.mh_type)):
        if value is not None:
            yield name, [str(value)]
    if packet.headers:
        yield "headers", sorted(packet.headers)
    for name, number in (
        ("dccp-type", packet.dccp_type), ("priority", packet.priority), ("realm", packet.realm), ("cpu", packet.cpu),
    ):  # fmt: skip
        if number:
            yield name, [str(number)]
    if packet.pkttype is not None:
        yield "pkttype", [str(packet.pkttype)]
    if packet.os:
        yield "os", [_quoted(packet.os)]
    for name, holds in (
        ("fragment", packet.fragment), ("ipsec", packet.ipsec), ("socket", packet.socket),
        ("bad-checksum", packet.bad_checksum),
    ):  # fmt: skip
        if holds:
            yield name, []
    yield from _presumed(packet)


def _presumed(packet: Packet) -> Iterator[tuple[str, list[str]]]:
    given = packet.presumed
    if given is None:
        return
    yield "state", [(given.state.name or "").lower()]
    if given.status is not None:
        yield "status", [name for name, bit in CT_STATUS_BITS.items() if given.status & bit] or ["none"]
    if given.mark is not None:
        yield "ct-mark", [hex(given.mark)]
    if given.reply is not None:
        yield "ct-direction", ["reply" if given.reply else "original"]
    if given.helper:
        yield "ct-helper", [given.helper]
    if given.original is not None:
        source, sport, destination, dport = given.original
        ends = (_end(packet.family, source, sport), _end(packet.family, destination, dport))
        yield "ct-original", [" -> ".join(ends)]


def _end(family: Family, address: int, port: int) -> str:
    text = format_address(family, address)
    return f"[{text}]:{port}" if family is Family.IP6 else f"{text}:{port}"


def mac_text(mac: int) -> str:
    return ":".join(f"{mac >> shift & 0xFF:02x}" for shift in range(40, -1, -8))


def ends_text(packet: Packet) -> str:
    """``198.51.100.9:4000 -> 203.0.113.1:22``."""
    return f"{packet.end(source=True)} -> {packet.end(source=False)}"


def format_packet(packet: Packet) -> str:
    """``tcp 198.51.100.9:4000 -> 203.0.113.1:22 in eth0``."""
    words = [kind_text(packet), ends_text(packet)]
    for name, values in _options(packet):
        words.append(f"{name} {','.join(values)}" if values else name)
    if packet.quoted is not None:
        words.append(f"about {format_packet(packet.quoted)}")
    return " ".join(words)


def packet_json(packet: Packet) -> dict[str, Json]:
    """The same words as keys: ``{"protocol": "tcp", "source": "198.51.100.9:4000", ...}``; lists where there can be
    several values.
    """
    made: dict[str, Json] = {
        "protocol": kind_text(packet),
        "source": packet.end(source=True),
        "destination": packet.end(source=False),
    }
    for name, values in _options(packet):
        if not values:
            made[name] = True
        elif name in LISTS:
            made[name] = list(values)
        elif name == "payload":
            made[name] = packet.payload.decode("latin-1")
        elif name == "os":
            made[name] = packet.os
        elif name == "ct-original":
            made[name] = values[0].split(" -> ")
        else:
            made[name] = int(values[0], 0) if values[0][0].isdigit() and name not in TEXTS else values[0]
    if packet.quoted is not None:
        made["about"] = packet_json(packet.quoted)
    return made


LISTS = frozenset({"flags", "options", "sack", "chunks", "status", "headers", "ct-original"})
"""Options with several values."""

TEXTS = frozenset({"in", "out", "mac", "mac-to", "payload", "os", "state", "ct-direction", "ct-helper"})
"""Options whose value is a text, whatever it looks like."""
