"""The answer to a packet, as whoever got it would send it."""

from __future__ import annotations

from dataclasses import replace

from polc.ir.protocols import ICMP, ICMPV6, TCP
from polc.simulate.packet import ACK, SYN, Packet
from polc.simulate.steps import Reply

_ECHOES = {(ICMP, 8): 0, (ICMPV6, 128): 129, (ICMP, 13): 14, (ICMP, 15): 16, (ICMP, 17): 18}
"""Requests and their answers (RFC 792, RFC 950, RFC 4443)."""


def reply_to(seen: Packet, reply: Reply) -> Packet:
    """The answer to a packet as it was ``seen`` where it ended: delivered to the host (no ``oif``), or out there."""
    here = replace(
        Packet(seen.family, seen.protocol, seen.daddr if reply.by is None else reply.by, seen.saddr),
        iif=seen.oif,
        oif="",
    )
    if reply.protocol is None or reply.protocol == seen.protocol and seen.protocol not in (ICMP, ICMPV6):
        made = replace(here, sport=seen.dport, dport=seen.sport)
        if seen.protocol == TCP:
            opening = seen.flags & (SYN | ACK) == SYN
            made = replace(made, flags=SYN | ACK if opening else ACK)
        if seen.protocol in (ICMP, ICMPV6):
            made = replace(made, type=_ECHOES.get((seen.protocol, seen.type), seen.type), id=seen.id)
    else:
        made = replace(here, protocol=reply.protocol, type=reply.type, code=reply.code)
        made = replace(made, quoted=replace(seen, iif="", oif="")) if made.is_icmp_error else replace(made, id=seen.id)
    for change in reply.changes:
        made = change(made)
    return made
