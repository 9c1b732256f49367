"""The tests of the golden policies: ``VERDICT PACKET``, as ``accept tcp 198.51.100.9:4000 -> host:22 in eth0``.

A packet is in the words of ``polc simulate``; ``host`` is the gateway of ``kernel/gateway.py``. What it ``becomes`` is
how it leaves, or is delivered (IPv4 only): `SOURCE:PORT -> DESTINATION:PORT [dscp N]`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from ipaddress import ip_address

from polc.ir.addresses import format_address
from polc.ir.family import Family
from polc.ir.protocols import ICMP, ICMPV6, PORT_PROTOCOLS, SCTP, TCP
from polc.simulate import Host, Outcome, read_host, read_packet
from polc.simulate import Packet as SimulatedPacket
from polc.source import SourceFile

HOST = {
    "eth0": {4: "203.0.113.1", 6: "2001:db8:113::1"},
    "eth1": {4: "192.0.2.1", 6: "2001:db8:2::1"},
    "lo": {4: "127.0.0.1", 6: "::1"},
}
"""The gateway's own addresses: ``eth0`` leads to the world, ``eth1`` to its network."""

FAR_MAC = 0x020000000001
"""Of whatever comes in from outside."""

OWN_MACS = {"eth0": 0x02005E000010, "eth1": 0x02005E000011}

PAYLOAD = b"polc0000"
"""What packets carry: as long as the mark by which the kernel's are known again."""


def gateway_host() -> Host:
    """The gateway as the simulator knows it."""
    links = [f"{name} {HOST[name][4]}/24 {HOST[name][6]}/64" for name in ("eth0", "eth1")]
    return read_host(SourceFile("gateway", ", ".join([*links, "0.0.0.0/0 via eth0", "::/0 via eth0"])))


GATEWAY = gateway_host()


@dataclass(frozen=True)
class Packet:
    """What the kernel is given. ``interface`` is where it is put in, empty for one that the host itself sends."""

    protocol: int
    type: int
    source: str
    sport: int
    destination: str
    dport: int
    interface: str
    flags: int
    ttl: int
    dscp: int
    becomes: str

    def as_dict(self) -> dict[str, str | int]:
        return asdict(self)


def parse_test(text: str) -> tuple[str, Packet]:
    """The expected verdict and the packet."""
    verdict, _, rest = text.partition(" ")
    words, _, becomes = rest.partition(" becomes ")
    assert verdict in ("accept", "drop", "reject"), f"not a test: {text}"
    packet = read_packet(words, GATEWAY)
    return verdict, Packet(
        packet.protocol,
        packet.type,
        format_address(packet.family, packet.saddr),
        packet.sport or 0,
        format_address(packet.family, packet.daddr),
        packet.dport or 0,
        packet.iif,
        packet.flags,
        packet.ttl,
        packet.dscp,
        becomes,
    )


def simulated(packet: Packet, number: int) -> SimulatedPacket:
    """The packet as the simulator takes it, with what ``kernel/peers/packets.py`` puts into the ``number``th."""
    source, destination = ip_address(packet.source), ip_address(packet.destination)
    ports = packet.protocol in PORT_PROTOCOLS
    tcp = packet.protocol == TCP
    return SimulatedPacket(
        Family.IP if source.version == 4 else Family.IP6,
        packet.protocol,
        int(source),
        int(destination),
        packet.sport if ports else None,
        packet.dport if ports else None,
        iif=packet.interface,
        oif="" if packet.interface else "eth0",
        flags=packet.flags if tcp else 0,
        seq=number + 1 << 8 if tcp else None,
        ack=0 if tcp else None,
        window=8192 if tcp else 65535,
        type=packet.type if packet.protocol in (ICMP, ICMPV6) else 0,
        id=1 if packet.protocol in (ICMP, ICMPV6) else 0,
        # What is sent as SCTP has no chunk of it, and no checksum.
        bad_checksum=packet.protocol == SCTP,
        ttl=packet.ttl,
        dscp=packet.dscp,
        payload=PAYLOAD,
        mac=FAR_MAC if packet.interface else None,
        mac_to=OWN_MACS.get(packet.interface),
    )


def fate_of(outcome: Outcome) -> tuple[str, str]:
    """The verdict as it is seen from outside, and what the packet became."""
    if outcome.leaves is None:
        answered = outcome.answer is not None and outcome.answer.leaves is not None
        return ("reject" if answered else outcome.fate.value if outcome.fate.value == "unknown" else "drop"), ""
    left = outcome.leaves
    ends = f"{left.end(source=True)} -> {left.end(source=False)}" + (f" dscp {left.dscp}" if left.dscp else "")
    return "accept", ends
