"""Puts packets into a gateway's interfaces and says what became of each; a script for the gateway's namespace.

Standard input: {"world": file of the network namespace at the far ends, "packets": [...]}. Standard output: a list
of what was seen of each packet: "answered", and "delivered" or "sent" with its ends as they then were. Every packet
carries its number in its payload, and a TCP packet in its sequence number too, which is what a reset answers to.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import socket
import struct
import sys
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

CHECKSUM_AT = {socket.IPPROTO_TCP: 16, socket.IPPROTO_UDP: 6, socket.IPPROTO_ICMP: 2, socket.IPPROTO_ICMPV6: 2}
MARK = b"polc"
ETH_P_IP, ETH_P_IPV6 = 0x0800, 0x86DD
CLONE_NEWNET = 0x40000000
QUIET = 0.08
"""Seconds without a packet after which nothing more is to come."""


def checksum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def segment(packet: dict[str, Any], number: int) -> bytes:
    payload = MARK + struct.pack(">I", number)
    ports = packet["sport"], packet["dport"]
    protocol = packet["protocol"]
    match protocol:
        case socket.IPPROTO_TCP:
            head = struct.pack(">HHIIBBHHH", *ports, number + 1 << 8, 0, 0x50, packet["flags"], 8192, 0, 0)
        case socket.IPPROTO_UDP:
            head = struct.pack(">HHHH", *ports, 8 + len(payload), 0)
        case socket.IPPROTO_ICMP | socket.IPPROTO_ICMPV6:
            head = struct.pack(">BBHHH", packet["type"], 0, 0, 1, number)
        case socket.IPPROTO_GRE:
            return struct.pack(">HH", 0, ETH_P_IP) + payload
        case _:
            return struct.pack(">HHII", *ports, 0, 0) + payload
    body = head + payload
    ends = ip_address(packet["source"]).packed + ip_address(packet["destination"]).packed
    pseudo = b"" if protocol == socket.IPPROTO_ICMP else ends + struct.pack(">II", len(body), protocol)
    at = CHECKSUM_AT[protocol]
    return body[:at] + struct.pack(">H", checksum(pseudo + body) or 0xFFFF) + body[at + 2 :]


def datagram(packet: dict[str, Any], number: int) -> bytes:
    body = segment(packet, number)
    source, destination = ip_address(packet["source"]), ip_address(packet["destination"])
    ends = source.packed + destination.packed
    if source.version == 6:
        first = 6 << 28 | packet["dscp"] << 22
        return struct.pack(">IHBB", first, len(body), packet["protocol"], packet["ttl"]) + ends + body

    def head(check: int) -> bytes:
        fields = (0x45, packet["dscp"] << 2, 20 + len(body), number & 0xFFFF, 0, packet["ttl"], packet["protocol"])
        return struct.pack(">BBHHHBBH", *fields, check) + ends

    return head(checksum(head(0))) + body


def hear(data: bytes) -> int | None:
    """The number of the packet that this one carries."""
    found = data.rfind(MARK)
    return struct.unpack_from(">I", data, found + 4)[0] if found >= 0 and len(data) >= found + 8 else None


def kind(data: bytes) -> tuple[int, bytes]:
    """The protocol of a datagram, and its body."""
    if data[0] >> 4 == 6:
        return data[6], data[40:]
    return data[9], data[(data[0] & 15) * 4 :]


def answers(data: bytes) -> tuple[int | None, bool]:
    """The number that a datagram on a far end speaks of, and whether it is a refusal of that packet."""
    protocol, body = kind(data)
    if protocol == socket.IPPROTO_TCP and body[13] & 0x14 == 0x14 and hear(data) is None:
        return (struct.unpack_from(">I", body, 8)[0] >> 8) - 1, True
    error = (protocol == socket.IPPROTO_ICMP and body[0] in (3, 11)) or (
        protocol == socket.IPPROTO_ICMPV6 and body[0] < 128
    )
    return hear(data), error


def ends_of(data: bytes) -> str:
    """``SOURCE:PORT -> DESTINATION:PORT``, and the code point unless it is 0."""
    protocol, body = kind(data)
    if data[0] >> 4 == 6:
        source, destination = (f"[{ip_address(data[at : at + 16])}]" for at in (8, 24))
        dscp = (data[0] & 15) << 2 | data[1] >> 6
    else:
        source, destination = (str(ip_address(data[at : at + 4])) for at in (12, 16))
        dscp = data[1] >> 2
    sport, dport = struct.unpack_from(">HH", body) if protocol in (socket.IPPROTO_TCP, socket.IPPROTO_UDP) else (0, 0)
    return f"{source}:{sport} -> {destination}:{dport}" + (f" dscp {dscp}" if dscp else "")


def far_ends(world: str) -> dict[str, socket.socket]:
    """A packet socket on each interface of the other namespace; this process stays in its own."""
    own, other = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(world, os.O_RDONLY)
    enter = ctypes.CDLL(None, use_errno=True).setns
    assert enter(other, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    found = {}
    for name in ("eth0", "eth1"):
        end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        end.bind((name, 3))
        # Past the queue, which is not there yet when a link has just come up.
        end.setsockopt(263, 20, 1)  # SOL_PACKET, PACKET_QDISC_BYPASS (uapi/linux/if_packet.h)
        found[name] = end
    assert enter(own, CLONE_NEWNET) == 0
    return found


def main() -> None:
    request = json.load(sys.stdin)
    packets = request["packets"]
    ends = far_ends(request["world"])
    inside = [
        socket.socket(family, socket.SOCK_RAW, protocol)
        for family in (socket.AF_INET, socket.AF_INET6)
        for protocol in sorted({packet["protocol"] for packet in packets})
    ]
    addresses = {name: bytes.fromhex(mac.replace(":", "")) for name, mac in request["addresses"].items()}
    senders = {}
    for version, family, level, option in ((4, socket.AF_INET, socket.IPPROTO_IP, 3), (6, socket.AF_INET6, 41, 36)):
        senders[version] = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
        senders[version].setsockopt(level, option, 1)
    seen: list[set[str]] = [set() for _ in packets]
    own = {end.fileno() for end in ends.values()}

    def note(sock: socket.socket) -> None:
        data, origin = sock.recvfrom(65535)
        if sock.fileno() not in own:
            number = hear(data)
            what = f"delivered {ends_of(data)}" if sock.family == socket.AF_INET else "delivered"
        elif origin[2] == socket.PACKET_OUTGOING or len(data) < 34 or data[12:14] not in (b"\x08\x00", b"\x86\xdd"):
            return
        else:
            number, refused = answers(data[14:])
            what = "answered" if refused else f"sent {ends_of(data[14:])}"
        if number is not None and 0 <= number < len(seen):
            seen[number].add(what)

    def drain(quiet: float) -> None:
        while ready := select.select([*inside, *ends.values()], [], [], quiet)[0]:
            for sock in ready:
                note(sock)

    for number, packet in enumerate(packets):
        data = datagram(packet, number)
        version = ip_address(packet["source"]).version
        if packet["interface"]:
            kind_of = struct.pack(">H", ETH_P_IP if version == 4 else ETH_P_IPV6)
            ends[packet["interface"]].send(addresses[packet["interface"]] + b"\x02\0\0\0\0\1" + kind_of + data)
        else:
            with suppress(PermissionError):  # what a drop in the output hook says
                senders[version].sendto(data, (packet["destination"], 0))
        drain(0.0)
    drain(QUIET)
    json.dump([sorted(one) for one in seen], sys.stdout)


main()
