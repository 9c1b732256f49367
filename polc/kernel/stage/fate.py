"""What became of a packet on a stage, from what was seen of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from polc.ir.matches import CtState
from polc.ir.protocols import TCP
from polc.simulate.packet import ACK, RST, SYN, Packet


class Verdict(Enum):
    """``ACCEPT``: it was delivered to the host or left it; ``REJECT``: its sender got an answer of the firewall."""

    ACCEPT = "accept"
    REJECT = "reject"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Fate:
    """``seen`` is the packet where it ended, with its ``oif`` where it left; ``answer`` what its sender was told.

    ``state`` is what conntrack made of it, None where nobody watched or it did not come so far. ``error`` is the
    kernel's word to whoever sent it from the host. ``at`` is when it was sent, by a clock of seconds, and ``by`` when
    it had come to its end at the latest: a busy machine leaves it lying for a while.
    """

    sent: Packet
    verdict: Verdict
    seen: Packet | None = None
    answer: Packet | None = None
    state: CtState | None = None
    error: str = ""
    at: float = 0.0
    by: float = 0.0


def fate(
    sent: Packet,
    states: list[tuple[CtState, Packet]],
    delivered: list[Packet],
    far: list[Packet],
    error: str,
    *,
    own: bool = False,
) -> Fate:
    """``states`` and ``delivered`` are what rules behind conntrack and behind input saw, ``far`` what left the host.
    ``own``: all of it is of this packet, and nothing of what hosts send by themselves.
    """
    state = next((state for state, one in states if _same(one, sent)), None)
    seen: Packet | None = None
    answer: Packet | None = None
    # The host hears itself what it sends to all.
    for one in (*delivered, *far) if sent.iif else (*far, *delivered):
        if _answers(one, sent):
            answer = answer or one
        elif seen is None and one.protocol == sent.protocol and (own or not _noise(one)):
            seen = one
    if seen is not None:
        return Fate(sent, Verdict.ACCEPT, seen, answer, state, error)
    return Fate(sent, Verdict.REJECT if answer else Verdict.DROP, None, answer, state, error)


def _same(one: Packet, sent: Packet) -> bool:
    """Whether it is the packet as it was sent: conntrack comes before NAT."""
    return (one.family, one.protocol, one.saddr, one.daddr) == (sent.family, sent.protocol, sent.saddr, sent.daddr)


def _answers(one: Packet, sent: Packet) -> bool:
    """Whether it is an ICMP error about the packet, or a reset of it that says so by what it acknowledges, or what
    synproxy answers a SYN with.
    """
    if one.is_icmp_error and one.quoted is not None and not (sent.is_icmp_error and _same(one, sent)):
        return one.quoted.protocol == sent.protocol and one.daddr == sent.saddr
    if sent.protocol != TCP or one.protocol != TCP:
        return False
    if not one.flags & RST and not (sent.flags & SYN and is_handshake(one)):
        return False
    return (one.daddr, one.dport, one.sport) == (sent.saddr, sent.sport, sent.dport)


def is_handshake(one: Packet) -> bool:
    """Whether it is the answer to a SYN."""
    return one.protocol == TCP and one.flags & (SYN | ACK | RST) == SYN | ACK


def _noise(one: Packet) -> bool:
    """What IPv6 hosts send by themselves: listener reports and discovery from a link-local or no address."""
    return one.is_icmp and one.family.value == "ip6" and one.type in (131, 132, 133, 135, 143) and one.saddr in (0,)
