"""Packets: what rules can ask of one, and what conntrack and its helpers read."""

from __future__ import annotations

from dataclasses import dataclass, field

from polc.ir.addresses import format_address
from polc.ir.family import Family
from polc.ir.fields import TCP_FLAG_BITS
from polc.ir.matches import CtState
from polc.ir.protocols import ICMP, ICMPV6, MOBILITY, PORT_PROTOCOLS, SCTP, TCP, UDP, UDPLITE

FIN, SYN, RST, PSH, ACK, URG = (TCP_FLAG_BITS[name] for name in ("fin", "syn", "rst", "psh", "ack", "urg"))
MAXSEG, WSCALE, SACK_PERM, SACK, TIMESTAMP = 2, 3, 4, 5, 8
"""Kinds of TCP options (RFC 9293, 7323, 2018)."""

GRE = 47

_OPTION_BYTES = {MAXSEG: 4, WSCALE: 3, SACK_PERM: 2, SACK: 10, TIMESTAMP: 10, 19: 18}
_INITS = (1, 2)
"""Chunks that begin an association, which have more to say (RFC 9260, 3.3)."""

FRAGMENT = "frag"
_BETWEEN = 8
"""Bytes of an extension header that says nothing (RFC 8200, 4)."""

_HEADERS = {UDP: 8, UDPLITE: 8, ICMP: 8, ICMPV6: 8, SCTP: 12, GRE: 4, 33: 20, 50: 8, 51: 24}


@dataclass(frozen=True, slots=True)
class Presumed:
    """What conntrack is to know of a packet, whatever came before: a flow is made that fits.

    ``state`` decides; the others are of the flow, and None is what such a flow has of itself. ``original`` are the
    addresses and ports of the flow's first packet before NAT: (source, sport, destination, dport).
    """

    state: CtState
    status: int | None = None
    mark: int | None = None
    reply: bool | None = None
    helper: str = ""
    original: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet, at the moment at which it comes in or is sent.

    ``iif`` is the interface where it comes in, empty for one that the host itself sends; ``oif`` where it goes
    out, empty where routing decides that. Ports are None where there are none. ``seq`` and ``ack`` are None for
    those of an end that behaves well. ``length`` is the bytes from the IP header on, None: as many as the headers
    and the payload take. ``quoted`` is the packet that an ICMP error is about, as it stands in it. ``chunks`` of
    SCTP are None for what fits the flow. ``call_id`` makes a GRE packet one of PPTP. A ``fragment`` is a second or
    later one. ``os`` is the name that ``osf`` finds for a SYN. ``uid``, ``gid`` and ``cgroup`` are those of the
    socket of a packet that the host sends (None: root's, in no group). ``mac`` and ``mac_to`` are the link's addresses,
    ``vlan`` the number of an 802.1Q tag, ``spi`` that of AH or ESP, ``headers`` IPv6 extension headers by nft's names,
    ``realm`` the routing realm (nft ``meta rtclassid``).
    """

    family: Family
    protocol: int
    saddr: int
    daddr: int
    sport: int | None = None
    dport: int | None = None
    iif: str = ""
    oif: str = ""
    flags: int = 0
    seq: int | None = None
    ack: int | None = None
    window: int = 65535
    options: frozenset[int] = frozenset()
    mss: int | None = None
    wscale: int | None = None
    sack: tuple[int, ...] = ()
    type: int = 0
    code: int = 0
    id: int = 0
    quoted: Packet | None = None
    chunks: tuple[int, ...] | None = None
    vtag: int | None = None
    init_tag: int | None = None
    call_id: int | None = None
    ttl: int = 64
    dscp: int = 0
    ecn: int = 0
    length: int | None = None
    payload: bytes = b""
    fragment: bool = False
    ipsec: bool = False
    socket: bool = False
    bad_checksum: bool = False
    mark: int = 0
    uid: int | None = None
    gid: int | None = None
    cgroup: int | None = None
    mac: int | None = None
    mac_to: int | None = None
    vlan: int | None = None
    spi: int | None = None
    dccp_type: int = 0
    mh_type: int | None = None
    headers: frozenset[str] = frozenset()
    priority: int = 0
    realm: int = 0
    cpu: int = 0
    pkttype: int | None = None
    os: str = ""
    presumed: Presumed | None = field(default=None)

    @property
    def tcp_options(self) -> frozenset[int]:
        """The kinds of its TCP options."""
        kinds = set(self.options)
        if self.mss is not None:
            kinds.add(MAXSEG)
        if self.wscale is not None:
            kinds.add(WSCALE)
        if self.sack:
            kinds.add(SACK)
        return frozenset(kinds)

    @property
    def header_bytes(self) -> int:
        """Bytes of the transport header; of SCTP with its chunks, of which data is one."""
        if self.protocol == TCP:
            options = sum(_OPTION_BYTES.get(kind, 2) for kind in self.tcp_options)
            return 20 + (options + 3) // 4 * 4
        if self.protocol == SCTP:
            return 12 + sum(20 if kind in _INITS else 4 for kind in self.chunks or (0,))
        if self.protocol == GRE and self.call_id is not None:
            return 12
        if self.is_mobile:
            return 8
        return _HEADERS.get(self.protocol, 0)

    @property
    def total_length(self) -> int:
        """Bytes from the IP header on."""
        if self.length is not None:
            return self.length
        quoted = min(self.quoted.total_length, 548) if self.quoted else 0
        return self._ip_bytes + (0 if self.fragment else self.header_bytes) + quoted + len(self.payload)

    @property
    def transport_bytes(self) -> int:
        """Bytes behind the IP header."""
        return max(0, self.total_length - self._ip_bytes)

    @property
    def data_bytes(self) -> int:
        """Bytes behind the transport header."""
        return max(0, self.transport_bytes - self.header_bytes)

    @property
    def between(self) -> frozenset[str]:
        """The extension headers of IPv6 that stand in front of its protocol, by nft's names."""
        return self.headers | ({FRAGMENT} if self.fragment and self.family is Family.IP6 else set())

    @property
    def _ip_bytes(self) -> int:
        return 20 if self.family is Family.IP else 40 + _BETWEEN * len(self.between)

    @property
    def is_mobile(self) -> bool:
        """Whether it has a mobility header (net/ipv6/exthdrs_core.c, ipv6_find_hdr: a protocol, not one between)."""
        return self.family is Family.IP6 and self.protocol == MOBILITY and not self.fragment

    @property
    def is_icmp(self) -> bool:
        return self.protocol == (ICMP if self.family is Family.IP else ICMPV6)

    @property
    def is_icmp_error(self) -> bool:
        """Whether it speaks of another packet (net/ipv4/icmp.c, icmp_pointers; RFC 4443, 2.1)."""
        if not self.is_icmp:
            return False
        return self.type in (3, 4, 5, 11, 12) if self.family is Family.IP else self.type < 128

    @property
    def has_ports(self) -> bool:
        return self.protocol in PORT_PROTOCOLS and not self.fragment

    def end(self, *, source: bool) -> str:
        """``198.51.100.9:4000``, ``[2001:db8::9]:4000``, or the address alone where there is no port."""
        address, port = (self.saddr, self.sport) if source else (self.daddr, self.dport)
        text = format_address(self.family, address)
        if port is None:
            return text
        return f"[{text}]:{port}" if self.family is Family.IP6 else f"{text}:{port}"
