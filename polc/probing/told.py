"""What becomes of a packet, in one form for the simulator and for the kernel."""

from __future__ import annotations

from dataclasses import dataclass

from polc.ir.addresses import format_address
from polc.ir.protocols import ICMP_TYPES, TCP
from polc.kernel.stage.fate import Fate as Seen
from polc.simulate.host import LOOPBACK
from polc.simulate.outcome import Fate, Outcome
from polc.simulate.packet import RST, Packet

ACCEPT, REJECT, DROP, UNKNOWN = "accept", "reject", "drop", "unknown"


@dataclass(frozen=True, slots=True)
class Told:
    """``verdict`` is what the sender notices. ``where`` is how an accepted packet left or that it was delivered, and
    what it was like then; of a rejected one it is the answer.
    """

    verdict: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.verdict}, {self.where}" if self.where else self.verdict


def of_outcome(outcome: Outcome) -> Told:
    """In the simulator."""
    match outcome.fate:
        case Fate.UNKNOWN:
            return Told(UNKNOWN, outcome.reason)
        case Fate.ACCEPT if outcome.packet.fragment and not (outcome.leaves and _goes_out(outcome.leaves)):
            return Told(UNKNOWN, "the host may wait for the rest of it")
        case Fate.ACCEPT:
            return Told(ACCEPT, _left(outcome.packet, outcome.leaves) if outcome.leaves else "")
        case _:
            answer = outcome.answer
            if answer is not None and answer.fate is Fate.UNKNOWN:
                return Told(UNKNOWN, f"whether the answer gets out: {answer.reason}")
            if answer is None or not outcome.is_answered:
                return Told(DROP)
            return Told(REJECT, _answer(answer.leaves or answer.packet))


def of_fate(seen: Seen) -> Told:
    """In the kernel."""
    if seen.error.startswith("conntrack:"):
        return Told(UNKNOWN, seen.error)
    if seen.seen is not None:
        return Told(ACCEPT, _left(seen.sent, seen.seen))
    return Told(REJECT, _answer(seen.answer)) if seen.answer is not None else Told(DROP)


def _left(sent: Packet, left: Packet) -> str:
    place = f"leaves by {left.oif}" if _goes_out(left) else "delivered"
    # Where the port of a source is taken or not free to choose, NAT takes any other one.
    source = format_address(left.family, left.saddr)
    port = "" if sent.sport is None else ":same" if left.sport == sent.sport else ":other"
    parts = [place, f"{source}{port} -> {left.end(source=False)}", f"ttl {left.ttl} dscp {left.dscp}"]
    # Some give a SYN the option that it lacks.
    if sent.mss is not None and left.mss is not None:
        parts.append(f"mss {left.mss}")
    return " ".join(parts)


def _goes_out(left: Packet) -> bool:
    return left.oif not in ("", LOOPBACK)


def _answer(answer: Packet) -> str:
    if answer.protocol == TCP:
        return "tcp reset" if answer.flags & RST else "tcp syn,ack"
    names = {number: name for name, number in ICMP_TYPES[answer.protocol].items()}
    return f"{names.get(answer.type, answer.type)}/{answer.code}"
