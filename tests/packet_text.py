"""The tests of the golden policies: ``VERDICT PACKET``, as ``accept tcp 198.51.100.9:4000 -> host:22 in eth0``.

A packet has a protocol (``icmp/TYPE`` with a number), both ends (an IPv6 address with a port in brackets; ``host`` is
the gateway of ``kernel/gateway.py``) and where it comes in or goes out, then ``flags``, ``ttl`` and ``dscp``. What it
``becomes`` is how it leaves, or is delivered (IPv4 only): `SOURCE:PORT -> DESTINATION:PORT [dscp N]`.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from ipaddress import ip_address

HOST = {
    "eth0": {4: "203.0.113.1", 6: "2001:db8:113::1"},
    "eth1": {4: "192.0.2.1", 6: "2001:db8:2::1"},
    "lo": {4: "127.0.0.1", 6: "::1"},
}
"""The gateway's own addresses: ``eth0`` leads to the world, ``eth1`` to its network."""

_END = r"(\[[^\]\s]+\]|[^\s:]+(?::[^\s:]*:[^\s]*)?)(?::(\d+))?"
_TEST = re.compile(
    rf"(accept|drop|reject) ([a-z0-9]+)(?:/(\d+))? {_END} -> {_END}(?: in (\S+))?(?: out (\S+))?"
    r"(?: flags (\S+))?(?: ttl (\d+))?(?: dscp (\d+))?(?: becomes (.+))?"
)
_PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "gre": 47, "icmpv6": 58, "sctp": 132, "dccp": 33}
_FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "none": 0}


@dataclass(frozen=True)
class Packet:
    """``interface`` is where it is put in, empty for one that the host itself sends."""

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
    found = _TEST.fullmatch(text)
    assert found, f"not a test: {text}"
    verdict, protocol, kind, source, sport, destination, dport, into, out, flags, ttl, dscp, becomes = found.groups()
    other = next(end.strip("[]") for end in (source, destination) if end != "host")
    version = ip_address(other).version
    ends = [HOST[into or out][version] if end == "host" else end.strip("[]") for end in (source, destination)]
    assert protocol in _PROTOCOLS, f"no such protocol: {text}"
    return verdict, Packet(
        _PROTOCOLS[protocol],
        int(kind or (8 if version == 4 else 128)),
        ends[0],
        int(sport or 40000),
        ends[1],
        int(dport or 0),
        into or "",
        sum(_FLAGS[flag] for flag in (flags or "syn").split(",")),
        int(ttl or 64),
        int(dscp or 0),
        becomes or "",
    )
