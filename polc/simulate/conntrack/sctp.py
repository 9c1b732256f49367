"""SCTP's states: net/netfilter/nf_conntrack_proto_sctp.c.

Verification tags are looked at where a packet gives one; a packet that gives none has the right one.
"""

from __future__ import annotations

from polc.ir.protocols import SCTP
from polc.simulate.conntrack.flow import ASSURED, CONFIRMED, Flow
from polc.simulate.conntrack.tcp import Result
from polc.simulate.flight import Flight
from polc.simulate.packet import Packet
from polc.simulate.settings import Settings

STATES = (
    "none", "closed", "cookie_wait", "cookie_echoed", "established", "shutdown_sent", "shutdown_recd",
    "shutdown_ack_sent", "heartbeat_sent",
)  # fmt: skip
"""enum sctp_conntrack, by the names of the sysctls of their timeouts."""

_NO, _CL, _CW, _CE, _ES, _SS, _SR, _SA, _HS, _IV = range(10)

_INIT, _INIT_ACK, _HEARTBEAT, _HEARTBEAT_ACK, _ABORT, _SHUTDOWN, _SHUTDOWN_ACK, _ERROR = 1, 2, 4, 5, 6, 7, 8, 9
_COOKIE_ECHO, _COOKIE_ACK, _SHUTDOWN_COMPLETE = 10, 11, 14
_DATA = 0

# sctp_conntracks: direction, chunk, old state -> new state. Other chunks leave the state as it is.
_TABLE: tuple[dict[int, tuple[int, ...]], ...] = (
    {
        _INIT: (_CL, _CL, _CW, _CE, _ES, _CL, _CL, _SA, _CW),
        _INIT_ACK: (_CL, _CL, _CW, _CE, _ES, _SS, _SR, _SA, _CL),
        _ABORT: (_CL, _CL, _CL, _CL, _CL, _CL, _CL, _CL, _CL),
        _SHUTDOWN: (_CL, _CL, _CW, _CE, _SS, _SS, _SR, _SA, _CL),
        _SHUTDOWN_ACK: (_SA, _CL, _CW, _CE, _ES, _SA, _SA, _SA, _SA),
        _ERROR: (_CL, _CL, _CW, _CE, _ES, _SS, _SR, _SA, _CL),
        _COOKIE_ECHO: (_CL, _CL, _CE, _CE, _ES, _SS, _SR, _SA, _CL),
        _COOKIE_ACK: (_CL, _CL, _CW, _CE, _ES, _SS, _SR, _SA, _CL),
        _SHUTDOWN_COMPLETE: (_CL, _CL, _CW, _CE, _ES, _SS, _SR, _CL, _CL),
        _HEARTBEAT: (_HS, _CL, _CW, _CE, _ES, _SS, _SR, _SA, _HS),
        _HEARTBEAT_ACK: (_CL, _CL, _CW, _CE, _ES, _SS, _SR, _SA, _HS),
    },
    {
        _INIT: (_IV, _CL, _CW, _CE, _ES, _SS, _SR, _SA, _IV),
        _INIT_ACK: (_IV, _CW, _CW, _CE, _ES, _SS, _SR, _SA, _IV),
        _ABORT: (_IV, _CL, _CL, _CL, _CL, _CL, _CL, _CL, _IV),
        _SHUTDOWN: (_IV, _CL, _CW, _CE, _SR, _SS, _SR, _SA, _IV),
        _SHUTDOWN_ACK: (_IV, _CL, _CW, _CE, _ES, _SA, _SA, _SA, _IV),
        _ERROR: (_IV, _CL, _CW, _CL, _ES, _SS, _SR, _SA, _IV),
        _COOKIE_ECHO: (_IV, _CL, _CW, _CE, _ES, _SS, _SR, _SA, _IV),
        _COOKIE_ACK: (_IV, _CL, _CW, _ES, _ES, _SS, _SR, _SA, _IV),
        _SHUTDOWN_COMPLETE: (_IV, _CL, _CW, _CE, _ES, _SS, _SR, _CL, _IV),
        _HEARTBEAT: (_IV, _CL, _CW, _CE, _ES, _SS, _SR, _SA, _HS),
        _HEARTBEAT_ACK: (_IV, _CL, _CW, _CE, _ES, _SS, _SR, _SA, _ES),
    },
)

_ANSWERS = {_INIT: _INIT_ACK, _COOKIE_ECHO: _COOKIE_ACK, _SHUTDOWN: _SHUTDOWN_ACK, _HEARTBEAT: _HEARTBEAT_ACK,
            _SHUTDOWN_ACK: _SHUTDOWN_COMPLETE, _INIT_ACK: _COOKIE_ECHO, _DATA: 3}  # fmt: skip


_HEARTBEATS = {_HEARTBEAT, _HEARTBEAT_ACK}

USUAL_TAG = 1
"""What an end asks for where nobody says."""


class Sctp:
    """struct ip_ct_sctp."""

    __slots__ = ("state", "vtags")

    def __init__(self) -> None:
        self.state = _NO
        self.vtags: list[int | None] = [None, None]

    @property
    def name(self) -> str:
        return STATES[self.state]


def answer_to(chunks: tuple[int, ...] | None) -> tuple[int, ...]:
    """The chunk with which the other end answers (RFC 9260, 5.1, 8.3, 9.2)."""
    first = chunks[0] if chunks else _INIT
    return (_ANSWERS.get(first, 3),)


def tag_for_answer(got: Packet) -> int | None:
    """The tag that an answer has: what the other end asked for as it began (RFC 9260, 5.1). None: it did not say."""
    begins = got.protocol == SCTP and {_INIT, _INIT_ACK} & set(got.chunks or (_INIT,))
    return (got.init_tag or USUAL_TAG) if begins else None


def track(flow: Flow, flight: Flight, settings: Settings) -> tuple[Result, int | None]:
    """nf_conntrack_sctp_packet: what becomes of the packet, and the flow's new timeout in seconds."""
    packet = flight.packet
    confirmed = bool(flow.status & CONFIRMED)
    chunks = packet.chunks if packet.chunks is not None else ((_DATA,) if confirmed else (_INIT,))
    if packet.bad_checksum or not _well_formed(chunks):
        return Result.INVALID, None
    if not confirmed:
        if {_ABORT, _SHUTDOWN_COMPLETE, _COOKIE_ACK} & set(chunks):
            return Result.INVALID, None
        # sctp_new
        if any(_TABLE[0].get(one, (_NO,))[_NO] == _NO for one in chunks):
            return Result.INVALID, None
        flow.proto = Sctp()
        if packet.vtag is not None:
            flow.proto.vtags = [packet.vtag, 0] if _HEARTBEATS & set(chunks) else [0, packet.vtag]
    sctp = flow.proto
    assert isinstance(sctp, Sctp)
    reply = flight.reply
    if not _tag_fits(sctp, packet.vtag, reply, chunks):
        return Result.INVALID, None
    old = new = _NO
    again = False
    for chunk in chunks:
        old = sctp.state
        row = _TABLE[reply].get(chunk)
        new = old if row is None else row[old]
        if new == _IV:
            return Result.INVALID, None
        if chunk in (_INIT, _INIT_ACK):
            sctp.vtags[not reply] = packet.init_tag
            again |= old == new == _CL and confirmed
        sctp.state = new
        if new == _ES and old != _ES:
            flow.status |= ASSURED
    timeouts = flow.timeouts or settings.sctp_timeouts
    # nf_conntrack_sctp_init_net: what has no state yet has the time of a closed one.
    return Result.ACCEPT, None if again else timeouts["closed" if new == _NO else STATES[new]]


def _well_formed(chunks: tuple[int, ...]) -> bool:
    """do_basic_checks: some chunks stand first, some alone."""
    alone = False
    for number, chunk in enumerate(chunks):
        alone |= chunk in (_INIT, _INIT_ACK, _SHUTDOWN_COMPLETE)
        if number and (alone or chunk in (_COOKIE_ACK, _COOKIE_ECHO)):
            return False
    return bool(chunks)


def _tag_fits(sctp: Sctp, vtag: int | None, reply: bool, chunks: tuple[int, ...]) -> bool:
    """RFC 9260, 8.5: a direction has the tag that the other end has chosen. No chunk here has the T bit, with which it
    would be the tag of the other direction.
    """
    if _INIT in chunks:
        return not vtag
    known = sctp.vtags[reply]
    if known == 0 and _HEARTBEATS & set(chunks):
        # Of the other paths of an association these are the first.
        known = sctp.vtags[reply] = vtag
    if vtag is None or known is None:
        return True
    return vtag == known or _SHUTDOWN_ACK in chunks
