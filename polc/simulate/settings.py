"""Settings of the kernel that change what packets meet (Documentation/networking/nf_conntrack-sysctl.rst)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from polc.ir.flavour import Flavour as Flavour


def _tcp_timeouts() -> dict[str, int]:
    # net/netfilter/nf_conntrack_proto_tcp.c, tcp_timeouts
    return {
        "syn_sent": 120, "syn_recv": 60, "established": 432000, "fin_wait": 120, "close_wait": 60, "last_ack": 30,
        "time_wait": 120, "close": 10, "syn_sent2": 120, "max_retrans": 300, "unacknowledged": 300,
    }  # fmt: skip


def _sctp_timeouts() -> dict[str, int]:
    # net/netfilter/nf_conntrack_proto_sctp.c, sctp_timeouts
    return {
        "closed": 10, "cookie_wait": 3, "cookie_echoed": 3, "established": 210, "shutdown_sent": 3,
        "shutdown_recd": 3, "shutdown_ack_sent": 3, "heartbeat_sent": 30,
    }  # fmt: skip


class Queues(Enum):
    """What becomes of packets that rules hand to programs. DECIDE: only the program knows. DROP: each is dropped, of
    rules that name at most ``MOST_QUEUES`` queues: on as many somebody can listen.
    """

    DECIDE = "decide"
    DROP = "drop"


MOST_QUEUES = 64
"""Of one rule, on which somebody listens."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Times are seconds; the defaults are the kernel's.

    ``hz`` is CONFIG_HZ, in whose ticks iptables' limits count. ``recent_packets`` and ``recent_sources``
    are xt_recent's ip_pkt_list_tot and ip_list_tot.
    ``conntrack_max`` is net.netfilter.nf_conntrack_max. ``seed`` decides what the kernel draws by chance.
    ``counts_linger``: where connections are counted, the packets of flows that were counted already forget none of
    those that are gone, as some kernels have it (net/netfilter/nf_conncount.c: seen on 6.18.44, where a flow that was
    refused counts until another one begins); nor do those that begin within a tick after that was done. ``queues``:
    what programs do that listen on queues.
    """

    tcp_loose: bool = True
    tcp_be_liberal: bool = False
    tcp_ignore_invalid_rst: bool = False
    tcp_max_retrans: int = 3
    tcp_timeouts: dict[str, int] = field(default_factory=_tcp_timeouts)
    sctp_timeouts: dict[str, int] = field(default_factory=_sctp_timeouts)
    udp_timeout: int = 30
    udp_timeout_stream: int = 120
    icmp_timeout: int = 30
    icmpv6_timeout: int = 30
    gre_timeout: int = 30
    gre_timeout_stream: int = 180
    generic_timeout: int = 600
    checksum: bool = True
    conntrack_max: int = 262144
    hz: int = 250
    recent_packets: int = 20
    recent_sources: int = 100
    seed: int = 0
    counts_linger: bool = False
    queues: Queues = Queues.DECIDE
