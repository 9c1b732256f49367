"""What becomes of a packet."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from polc.ir.fields import CT_STATUS_BITS
from polc.ir.matches import CtState
from polc.ir.ruleset import Hook
from polc.ir.statements import Duplicate, Log
from polc.simulate.chains import Decision
from polc.simulate.conntrack.flow import CONFIRMED, SECOND, Flow, FlowTuple
from polc.simulate.conntrack.sctp import Sctp
from polc.simulate.conntrack.tcp import Tcp
from polc.simulate.packet import Packet


class Fate(Enum):
    """``REJECT`` is a drop with an answer. ``STOLEN``: the kernel keeps the packet and goes on by itself.
    ``UNKNOWN``: only the kernel knows.
    """

    ACCEPT = "accept"
    DROP = "drop"
    REJECT = "reject"
    STOLEN = "stolen"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FlowView:
    """A flow as it was at a moment. ``protocol_state`` is that of TCP or SCTP, ``expires`` in seconds (None: it was
    not confirmed), ``status`` bits as in ``CT_STATUS_BITS``.
    """

    number: int
    original: FlowTuple
    reply: FlowTuple
    status: int
    protocol_state: str
    expires: float | None
    mark: int
    zone: int
    helper: str
    master: int | None
    packets: tuple[int, int]
    bytes: tuple[int, int]

    @property
    def status_names(self) -> tuple[str, ...]:
        """``seen-reply``, ``assured`` and so on."""
        return tuple(name for name, bit in CT_STATUS_BITS.items() if self.status & bit)


def view(flow: Flow | None, now: int) -> FlowView | None:
    """The flow as it is now."""
    if flow is None:
        return None
    state = flow.proto.name if isinstance(flow.proto, Tcp | Sctp) else ""
    expires = (flow.timeout - now) / SECOND if flow.status & CONFIRMED else None
    master = flow.master.number if flow.master is not None else None
    return FlowView(
        flow.number, flow.original, flow.reply, flow.status & 0x3FF & ~0x1C0, state, expires, flow.mark, flow.zone,
        flow.helper, master, (flow.packets[0], flow.packets[1]), (flow.bytes[0], flow.bytes[1]),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A change of addresses: at which hook, and the packet before and after it."""

    hook: Hook
    before: Packet
    after: Packet


@dataclass(frozen=True, slots=True)
class Outcome:
    """``packet`` is as it was put in, ``leaves`` as it left by ``leaves.oif`` or was delivered (None: it was neither).

    ``hook`` is where it was decided. ``decision`` is whoever decided: the rule or policy that dropped or rejected the
    packet, or that accepted it last; None where no chain saw it, and then ``reason`` says why. Of an unknown outcome
    ``reason`` says what only the kernel knows. ``state`` is conntrack's verdict (None: the packet did not come so
    far), ``reply`` whether it goes against its flow. ``answer`` is what became of the host's answer to a packet that
    was rejected.
    """

    packet: Packet
    fate: Fate
    hook: Hook
    decision: Decision | None
    reason: str
    leaves: Packet | None
    state: CtState | None
    reply: bool
    before: FlowView | None
    after: FlowView | None
    rewrites: tuple[Rewrite, ...] = ()
    answer: Outcome | None = None
    logs: tuple[Log, ...] = ()
    copies: tuple[Duplicate, ...] = field(default=())

    @property
    def state_name(self) -> str:
        """``new``, ``established`` and so on, as rules have it; empty where there is no state."""
        return "" if self.state is None else (self.state.name or "").lower()

    @property
    def is_answered(self) -> bool:
        """Whether the host's answer to it gets out."""
        return self.answer is not None and self.answer.fate is Fate.ACCEPT

    @property
    def delivered(self) -> bool:
        """Whether the host itself got it."""
        return self.leaves is not None and not self.leaves.oif
