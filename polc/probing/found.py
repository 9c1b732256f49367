"""A packet that decides a rule, what goes before it, and the same packet again and again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from polc.ir.matches import Match
from polc.ir.protocols import TCP
from polc.ir.stateful import KeyField, Limit
from polc.probing.paths import Path
from polc.simulate.packet import Packet

_STRIDE = 331


@dataclass(frozen=True, slots=True)
class Found:
    """``packet`` is the last one as it was put together, ``packets`` what is sent. ``varied``: each is of a flow of its
    own.
    """

    packet: Packet
    packets: tuple[Packet, ...]
    path: Path
    varied: bool = False

    def again(self, number: int) -> tuple[Packet, ...]:
        """What goes before the last packet, for the ``number``th other probe: of other flows, where flows count."""
        before = self.packets[:-1]
        if not self.varied:
            return before
        return tuple(of_its_own(one, number) for one in before)


def of_its_own(packet: Packet, number: int) -> Packet:
    """The packet with another source port, if it has one, for each number: of another flow."""
    if packet.sport is None:
        return packet
    return replace(packet, sport=1024 + (packet.sport + _STRIDE * number) % 60000)


def can_vary(packet: Packet, matches: Sequence[Match]) -> bool:
    """Whether TCP packets of different source ports are the same to a rule."""
    return packet.protocol == TCP and not any(
        isinstance(one, Limit) and any(part.field is KeyField.SPORT for part in one.key) for one in matches
    )


def in_a_row(real: tuple[Packet, ...], times: int, varied: bool) -> tuple[Packet, ...]:
    if not varied or real[-1].sport is None:
        return real * times
    return tuple(replace(one, sport=(one.sport or 0) + at) for at in range(times) for one in real)


def rows(found: Found, matches: Sequence[Match], times: int) -> Iterator[tuple[Packet, ...]]:
    """The last packet so often, if it can be with other ports each time: TCP packets of others are sent at once."""
    last = found.packets[-1]
    if found.varied or can_vary(last, matches):
        yield in_a_row((last,), times, varied=True)
    elif last.protocol == TCP and last.dport is not None:
        yield tuple(replace(last, dport=(last.dport + at) % 65536 or 1) for at in range(times))
    yield in_a_row((last,), times, found.varied)


def as_source(packet: Packet, last: Packet) -> Packet:
    """The packet from whoever sends the other one."""
    return replace(packet, saddr=last.saddr) if packet.family is last.family and packet.iif and last.iif else packet
