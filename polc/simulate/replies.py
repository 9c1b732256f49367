"""The answer that the other end of a packet gives."""

from __future__ import annotations

from dataclasses import replace

from polc.ir.family import Family
from polc.ir.protocols import ICMP, ICMP_FAMILY, ICMPV6, SCTP, TCP
from polc.simulate.conntrack.sctp import answer_to, tag_for_answer
from polc.simulate.host import LOOPBACK
from polc.simulate.packet import ACK, FIN, SYN, Packet
from polc.simulate.steps import Reply

_ECHOES = {ICMP: {8: 0, 13: 14, 15: 16, 17: 18}, ICMPV6: {128: 129, 139: 140}}


def reply_to(sent: Packet, leaves: Packet | None, reply: Reply, *, described: bool) -> Packet:
    """The answer to a packet, by whoever got it as it was when it left; of one that did not get through, as if it had.

    ``leaves`` has no ``oif`` where the host itself got it. Where the host is not ``described``, the answer says where
    it goes out, too.

    A SYN is answered by SYN and ACK, those by ACK, a FIN by FIN and ACK, an echo request by a reply.

    Raises:
        ValueError: nothing answers such a packet.
    """
    got = leaves or sent
    made = _error(got, reply) if reply.protocol in ICMP_FAMILY else _turned(got, reply)
    if reply.by is not None:
        made = replace(made, saddr=reply.by)
    made = _placed(made, sent, leaves, described=described)
    for change in reply.changes:
        made = change(made)
    return made


def _turned(got: Packet, reply: Reply) -> Packet:
    if reply.protocol not in (None, got.protocol):
        raise ValueError("an answer is of the protocol of the packet before, or an ICMP error about it")
    type_, flags = got.type, 0
    if got.is_icmp:
        answer = _ECHOES[got.protocol].get(got.type)
        if answer is None:
            raise ValueError("nothing answers this ICMP packet")
        type_ = answer
    if got.protocol == TCP:
        flags = _flags(got.flags)
    return Packet(
        got.family, got.protocol, got.daddr, got.saddr, got.dport, got.sport, flags=flags, type=type_, code=got.code,
        id=got.id, chunks=answer_to(got.chunks) if got.protocol == SCTP else None, vtag=tag_for_answer(got),
        call_id=got.call_id,
    )  # fmt: skip


def _flags(had: int) -> int:
    if had & SYN and not had & ACK:
        return SYN | ACK
    if had & FIN:
        return FIN | ACK
    return ACK


def _error(got: Packet, reply: Reply) -> Packet:
    family = ICMP_FAMILY[reply.protocol or 0]
    if family is not got.family:
        name = "icmp" if got.family is Family.IP else "icmpv6"
        raise ValueError(f"an error about this packet is `{name}`")
    quoted = replace(got, iif="", oif="", mark=0, presumed=None)
    return Packet(
        got.family, reply.protocol or 0, got.daddr, got.saddr, type=reply.type, code=reply.code, quoted=quoted
    )


def _placed(made: Packet, was: Packet, left: Packet | None, *, described: bool) -> Packet:
    """It comes in where the packet left, or the host sends it where the packet had come in."""
    if LOOPBACK in (was.oif, left.oif if left is not None else ""):
        # The host talks to itself, and sends the answer too.
        return replace(made, oif=LOOPBACK)
    if left is not None and left.oif:
        return replace(made, iif=left.oif, oif=was.iif if not described and was.iif else "")
    if was.iif and was.oif:
        return replace(made, iif=was.oif, oif=was.iif if not described else "")
    if was.iif:
        return replace(made, oif=was.iif)
    return replace(made, iif=was.oif)
