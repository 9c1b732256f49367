"""TCP's states and windows: net/netfilter/nf_conntrack_proto_tcp.c.

Sequence numbers that a packet does not give are those of an end that behaves well: it goes on where it left off and
acknowledges what it has got, so that its packets are in the window whenever their flags make sense.
"""

from __future__ import annotations

from enum import Enum

from polc.simulate.conntrack.flow import ASSURED, CONFIRMED, SEEN_REPLY, Flow
from polc.simulate.flight import Flight
from polc.simulate.packet import ACK, FIN, RST, SACK_PERM, SYN, URG
from polc.simulate.settings import Settings

NONE, SYN_SENT, SYN_RECV, ES, FIN_WAIT, CLOSE_WAIT, LAST_ACK, TIME_WAIT, CLOSE, SYN_SENT2 = range(10)
STATES = (
    "none", "syn_sent", "syn_recv", "established", "fin_wait", "close_wait", "last_ack", "time_wait", "close",
    "syn_sent2",
)  # fmt: skip
"""enum tcp_conntrack, by the names of the sysctls of their timeouts."""

_IV, _IG = 10, 11

_SYN, _SYNACK, _FIN, _ACK, _RST, _NOFLAG = range(6)
"""enum tcp_bit_set: the rows of the table."""

_NO, _SS, _SR, _ES, _FW, _CW, _LA, _TW, _CL, _S2 = range(10)

# tcp_conntracks: direction, row, old state -> new state.
_TABLE = (
    (
        (_SS, _SS, _IG, _IG, _IG, _IG, _IG, _SS, _SS, _S2),
        (_IV, _IV, _SR, _IV, _IV, _IV, _IV, _IV, _IV, _SR),
        (_IV, _IV, _FW, _FW, _LA, _LA, _LA, _TW, _CL, _IV),
        (_ES, _IV, _ES, _ES, _CW, _CW, _TW, _TW, _CL, _IV),
        (_IV, _CL, _CL, _CL, _CL, _CL, _CL, _CL, _CL, _CL),
        (_IV, _IV, _IV, _IV, _IV, _IV, _IV, _IV, _IV, _IV),
    ),
    (
        (_IV, _S2, _IV, _IV, _IV, _IV, _IV, _SS, _IV, _S2),
        (_IV, _SR, _IG, _IG, _IG, _IG, _IG, _IG, _IG, _SR),
        (_IV, _IV, _FW, _FW, _LA, _LA, _LA, _TW, _CL, _IV),
        (_IV, _IG, _SR, _ES, _CW, _CW, _TW, _TW, _CL, _IG),
        (_IV, _CL, _CL, _CL, _CL, _CL, _CL, _CL, _CL, _CL),
        (_IV, _IV, _IV, _IV, _IV, _IV, _IV, _IV, _IV, _IV),
    ),
)

# tcp_valid_flags, of those that count: psh, ecn and cwr may stand beside any.
_VALID_FLAGS = frozenset({SYN, SYN | URG, SYN | ACK, RST, RST | ACK, FIN | ACK, FIN | ACK | URG, ACK, ACK | URG})
_COUNTED_FLAGS = FIN | SYN | RST | ACK | URG

# IP_CT_TCP_FLAG_*, uapi/linux/netfilter/nf_conntrack_tcp.h
_F_WINDOW_SCALE, _F_SACK_PERM, _F_CLOSE_INIT, _F_BE_LIBERAL, _F_UNACKNOWLEDGED, _F_MAXACK_SET = 1, 2, 4, 8, 16, 32
_EXPECT_CHALLENGE_ACK, _SIMULTANEOUS_OPEN = 0x40, 0x80

_MAX_ACK_WINDOW = 66000
_HIGHEST_SCALE = 14
_ISN = (1_000_000, 5_000_000)
"""Where an end that gives no sequence numbers begins: the originator, the other."""


def are_valid(flags: int) -> bool:
    """Whether conntrack takes a segment with these flags as one of any flow."""
    return flags & _COUNTED_FLAGS in _VALID_FLAGS


def goes_on(flags: int, *, reply: bool) -> bool:
    """Whether conntrack takes a segment as one of a flow that is established."""
    return are_valid(flags) and _TABLE[reply][_row(flags)][ES] != _IV


class Result(Enum):
    """What tracking makes of a packet."""

    ACCEPT = 1
    INVALID = 2
    DROP = 3
    REPEAT = 4
    """The flow is gone: look the packet up once more."""
    KILLED = 5
    """Accepted, and the flow ends with it."""


class _End:
    """struct ip_ct_tcp_state: what one end has sent and may send."""

    __slots__ = ("end", "flags", "maxack", "maxend", "maxwin", "scale")

    def __init__(self) -> None:
        self.end = self.maxend = self.maxwin = self.maxack = self.scale = self.flags = 0


class Tcp:
    """struct ip_ct_tcp."""

    __slots__ = (
        "last_ack", "last_end", "last_flags", "last_index", "last_reply", "last_seq", "last_win", "last_wscale",
        "retrans", "seen", "state",
    )  # fmt: skip

    def __init__(self) -> None:
        self.seen = (_End(), _End())
        self.state = NONE
        self.last_reply = False
        self.last_index = _NOFLAG
        self.last_seq = self.last_ack = self.last_end = self.last_win = 0
        self.last_wscale = self.last_flags = self.retrans = 0

    @property
    def name(self) -> str:
        return STATES[self.state]


def _after(a: int, b: int) -> bool:
    """include/net/tcp.h: sequence numbers go round."""
    return (b - a) & 0xFFFFFFFF > 0x7FFFFFFF


def _before(a: int, b: int) -> bool:
    return (a - b) & 0xFFFFFFFF > 0x7FFFFFFF


def _row(flags: int) -> int:
    """get_conntrack_index."""
    if flags & RST:
        return _RST
    if flags & SYN:
        return _SYNACK if flags & ACK else _SYN
    if flags & FIN:
        return _FIN
    return _ACK if flags & ACK else _NOFLAG


class _Segment:
    """The numbers of a segment."""

    __slots__ = ("ack", "end", "flags", "sack", "seq", "win")

    def __init__(self, flight: Flight, tcp: Tcp) -> None:
        packet = flight.packet
        self.flags = flight.flags
        length = packet.data_bytes + (self.flags & SYN != 0) + (self.flags & FIN != 0)
        self.seq = _next_seq(tcp, flight, length) if packet.seq is None else packet.seq
        self.end = (self.seq + length) & 0xFFFFFFFF
        self.ack = _next_ack(tcp, flight) if packet.ack is None else packet.ack
        self.win = packet.window
        self.sack = packet.sack


def _next_seq(tcp: Tcp, flight: Flight, length: int) -> int:
    """The sequence number of an end that behaves well."""
    sender, receiver = tcp.seen[flight.reply], tcp.seen[not flight.reply]
    if sender.maxwin == 0:
        # A reset that answers a SYN has none of its own (RFC 9293, 3.5.2).
        return 0 if flight.flags & RST and flight.reply else _ISN[flight.reply]
    if flight.flags & SYN:
        # Sent again, or beyond all that was, where the flow had ended.
        again = tcp.state in (SYN_SENT, SYN_RECV, SYN_SENT2)
        return (sender.end - length if again else sender.end + 100_000) & 0xFFFFFFFF
    if flight.flags & RST and receiver.flags & _F_MAXACK_SET:
        return receiver.maxack
    return sender.end


def _next_ack(tcp: Tcp, flight: Flight) -> int:
    if not flight.flags & ACK:
        return 0
    ignored = tcp.last_index == _SYN and tcp.state not in (NONE, SYN_SENT, SYN_SENT2)
    if ignored and tcp.last_reply is not flight.reply and flight.flags & SYN:
        return tcp.last_end
    receiver = tcp.seen[not flight.reply]
    return receiver.end if receiver.maxwin else _ISN[not flight.reply] + 1


def track(flow: Flow, flight: Flight, settings: Settings) -> tuple[Result, int | None]:
    """nf_conntrack_tcp_packet: what becomes of the packet, and the flow's new timeout in seconds (None: as it was)."""
    if flight.packet.bad_checksum or not are_valid(flight.flags):
        return Result.INVALID, None
    if flow.status & CONFIRMED:
        assert isinstance(flow.proto, Tcp)
        segment = _Segment(flight, flow.proto)
    else:
        flow.proto = Tcp()
        segment = _Segment(flight, flow.proto)
        if not _new(flow.proto, segment, flight, settings):
            return Result.INVALID, None
    tcp = flow.proto
    row, reply = _row(flight.flags), flight.reply
    old = tcp.state
    new = _TABLE[reply][row][old]
    in_window = False
    if (new == SYN_SENT and old >= TIME_WAIT) or new == _IG:
        if new == SYN_SENT and (
            (tcp.seen[0].flags | tcp.seen[1].flags) & _F_CLOSE_INIT
            or (tcp.last_reply is reply and tcp.last_index == _RST)
        ):
            return Result.REPEAT, None
        if not _in_sync_again(tcp, segment, row, reply):
            _note_ignored(tcp, segment, flight, row, old)
            return Result.ACCEPT, None
        old, new = SYN_SENT, SYN_RECV
    elif new == _IV:
        return Result.INVALID, None
    elif new == TIME_WAIT:
        if (
            old == LAST_ACK
            and row == _ACK
            and tcp.last_reply is not reply
            and tcp.last_index == _SYN
            and tcp.last_flags & _EXPECT_CHALLENGE_ACK
        ):
            tcp.last_flags &= ~_EXPECT_CHALLENGE_ACK
            return Result.ACCEPT, None
    elif new == SYN_SENT2:
        tcp.last_flags |= _SIMULTANEOUS_OPEN
    elif new == SYN_RECV:
        if reply and row == _ACK and tcp.last_flags & _SIMULTANEOUS_OPEN:
            new = ES
    elif new == CLOSE and row == _RST:
        judged = _reset(flow, tcp, segment, reply, settings)
        if judged is None:
            return Result.INVALID, None
        new, in_window = (old if judged == _KEEP else new), judged == _IN_WINDOW
    fits = _Fits.YES if in_window else _in_window(tcp, segment, row, flight, settings)
    if fits is _Fits.PAST:
        return Result.ACCEPT, None
    if fits is _Fits.NO:
        _note_invalid(flow, tcp, row, reply)
        return Result.INVALID, None
    tcp.last_index = row
    tcp.last_reply = reply
    tcp.state = new
    if old != new and new == FIN_WAIT:
        tcp.seen[reply].flags |= _F_CLOSE_INIT
    return _finish(flow, tcp, row, old, new, settings)


def _finish(flow: Flow, tcp: Tcp, row: int, old: int, new: int, settings: Settings) -> tuple[Result, int | None]:
    """What a packet in the window does to the flow's timeout and status."""
    timeouts = flow.timeouts or settings.tcp_timeouts
    timeout = timeouts[STATES[new]]
    unacknowledged = (tcp.seen[0].flags | tcp.seen[1].flags) & _F_UNACKNOWLEDGED
    if tcp.retrans >= settings.tcp_max_retrans and timeout > timeouts["max_retrans"]:
        timeout = timeouts["max_retrans"]
    elif row == _RST:
        timeout = timeouts["close"]
    elif unacknowledged and timeout > timeouts["unacknowledged"]:
        timeout = timeouts["unacknowledged"]
    elif tcp.last_win == 0 and timeout > timeouts["max_retrans"]:
        timeout = timeouts["max_retrans"]
    if not flow.status & SEEN_REPLY:
        if row == _RST:
            return Result.KILLED, None
        if row == _SYN and old == SYN_SENT:
            return Result.ACCEPT, None
        if new == ES and timeout > timeouts["unacknowledged"]:
            timeout = timeouts["unacknowledged"]
    elif not flow.status & ASSURED and old in (SYN_RECV, ES) and new == ES:
        flow.status |= ASSURED
    return Result.ACCEPT, timeout


def _new(tcp: Tcp, segment: _Segment, flight: Flight, settings: Settings) -> bool:
    """tcp_new; False: the packet begins no flow."""
    new = _TABLE[0][_row(flight.flags)][NONE]
    if new == _IV or (new != SYN_SENT and not settings.tcp_loose):
        return False
    sender, receiver = tcp.seen
    sender.end = segment.end
    sender.maxwin = segment.win or 1
    if new == SYN_SENT:
        sender.maxend = sender.end
        _read_options(flight, sender)
    else:
        sender.maxend = (sender.end + sender.maxwin) & 0xFFFFFFFF
        sender.flags = receiver.flags = _F_SACK_PERM | _F_BE_LIBERAL
    return True


def _read_options(flight: Flight, end: _End) -> None:
    """tcp_options: a header without any leaves what was."""
    packet = flight.packet
    if not packet.tcp_options:
        return
    end.scale = 0
    end.flags &= _F_BE_LIBERAL
    if SACK_PERM in packet.options:
        end.flags |= _F_SACK_PERM
    if packet.wscale is not None:
        end.scale = min(packet.wscale, _HIGHEST_SCALE)
        end.flags |= _F_WINDOW_SCALE


def _in_sync_again(tcp: Tcp, segment: _Segment, row: int, reply: bool) -> bool:
    """A SYN/ACK that acknowledges a SYN which was ignored: both ends are in sync, and so is the flow from now on."""
    if not (row == _SYNACK and tcp.last_index == _SYN and tcp.last_reply is not reply and segment.ack == tcp.last_end):
        return False
    other = tcp.seen[tcp.last_reply]
    other.end = other.maxend = tcp.last_end
    other.maxwin = tcp.last_win or 1
    other.scale = tcp.last_wscale
    tcp.last_flags &= ~_EXPECT_CHALLENGE_ACK
    other.flags = tcp.last_flags
    own = tcp.seen[reply]
    own.end = own.maxend = own.maxwin = own.maxack = own.scale = 0
    own.flags &= _F_BE_LIBERAL
    return True


def _note_ignored(tcp: Tcp, segment: _Segment, flight: Flight, row: int, old: int) -> None:
    reply = flight.reply
    tcp.last_index = row
    tcp.last_reply = reply
    tcp.last_seq = segment.seq
    tcp.last_end = segment.end
    tcp.last_win = segment.win
    if row == _SYN and not reply:
        seen = _End()
        _read_options(flight, seen)
        tcp.last_flags = seen.flags & (_F_WINDOW_SCALE | _F_SACK_PERM)
        tcp.last_wscale = seen.scale
        if old == LAST_ACK:
            tcp.last_flags |= _EXPECT_CHALLENGE_ACK
    if old == SYN_SENT and row == _ACK and reply:
        tcp.last_ack = segment.ack


_CHECK, _IN_WINDOW, _KEEP = range(3)


def _reset(flow: Flow, tcp: Tcp, segment: _Segment, reply: bool, settings: Settings) -> int | None:
    """What a reset has to pass: the window still, nothing more, or the window and the flow stays as it was.
    None: it is invalid.
    """
    if tcp.state in (FIN_WAIT, LAST_ACK, TIME_WAIT, CLOSE, CLOSE_WAIT):
        return _IN_WINDOW
    judged = _CHECK
    other = tcp.seen[not reply]
    if other.flags & _F_MAXACK_SET and tcp.last_index != _SYN:
        established = tcp.state == ES and bool(flow.status & ASSURED)
        if segment.seq == 0 and not established:
            return _CHECK
        if _before(segment.seq, other.maxack) and not settings.tcp_ignore_invalid_rst:
            return None
        if not established or segment.seq == other.maxack:
            return _CHECK
        if tcp.last_index == _ACK and tcp.last_reply is reply and segment.seq == tcp.last_end:
            return _CHECK
        judged = _KEEP
    answers_syn = flow.status & SEEN_REPLY and tcp.last_index == _SYN
    answers_ack = not flow.status & ASSURED and tcp.last_index == _ACK
    if (answers_syn or answers_ack) and segment.ack == tcp.last_end:
        return _IN_WINDOW
    if tcp.state == SYN_SENT and tcp.last_index == _ACK and tcp.last_reply and segment.seq == tcp.last_ack:
        return _IN_WINDOW
    return judged


def _init_sender(tcp: Tcp, flight: Flight, end: int, win: int) -> None:
    """tcp_init_sender."""
    sender, receiver = tcp.seen[flight.reply], tcp.seen[not flight.reply]
    sender.end = sender.maxend = end
    sender.maxwin = win or 1
    _read_options(flight, sender)
    if not (sender.flags & _F_WINDOW_SCALE and receiver.flags & _F_WINDOW_SCALE):
        sender.scale = receiver.scale = 0


class _Fits(Enum):
    """Whether a segment is in the window: ``PAST`` is of the flow, and changes nothing of it (NFCT_TCP_IGNORE)."""

    YES = "yes"
    PAST = "past"
    NO = "no"


def _note_invalid(flow: Flow, tcp: Tcp, row: int, reply: bool) -> None:
    """nf_tcp_handle_invalid: an end or a reset out of the window is remembered, for the next one to be known by.

    The time that a flow is kept then gets shorter where both ends want to end it, which is not followed here.
    """
    if not flow.status & ASSURED or row not in (_RST, _FIN):
        return
    if not (tcp.last_reply is not reply and tcp.last_index in (_RST, _FIN)):
        tcp.last_index = row
        tcp.last_reply = reply


def _in_window(tcp: Tcp, segment: _Segment, row: int, flight: Flight, settings: Settings) -> _Fits:
    """tcp_in_window."""
    reply, flags = flight.reply, segment.flags
    sender, receiver = tcp.seen[reply], tcp.seen[not reply]
    seq, end, win = segment.seq, segment.end, segment.win
    ack = sack = segment.ack
    if receiver.flags & _F_SACK_PERM:
        for edge in segment.sack:
            if _after(edge, sack):
                sack = edge
    if sender.maxwin == 0:
        if flags & SYN:
            _init_sender(tcp, flight, end, win)
            if not flags & ACK:
                return _Fits.YES
        else:
            sender.end = end
            sender.maxwin = win << sender.scale or 1
            sender.maxend = (end + sender.maxwin) & 0xFFFFFFFF
            if receiver.maxwin == 0:
                receiver.end = receiver.maxend = sack
            elif sack == (receiver.end + 1) & 0xFFFFFFFF:
                receiver.end = sack
    elif flags & SYN and _after(end, sender.end) and tcp.state in (SYN_SENT, SYN_RECV):
        _init_sender(tcp, flight, end, win)
        if reply and not flags & ACK:
            return _Fits.YES
    if not flags & ACK or (flags & RST and ack == 0):
        ack = sack = receiver.end
    if flags & RST and seq == 0 and tcp.state == SYN_SENT:
        seq = end = sender.end
    in_receiver = not receiver.maxwin or _after(end, (sender.end - receiver.maxwin - 1) & 0xFFFFFFFF)
    highest_window = max(sender.maxwin, _MAX_ACK_WINDOW)
    seq_fits = _before(seq, (sender.maxend + 1) & 0xFFFFFFFF)
    ack_fits = _before(sack, (receiver.end + 1) & 0xFFFFFFFF)
    ack_not_old = _after(sack, (receiver.end - highest_window - 1) & 0xFFFFFFFF)
    if not (seq_fits and in_receiver and ack_fits and ack_not_old):
        # Out of the window at its far end, or acknowledging what was never sent; all else is of the past.
        found = _Fits.NO if not seq_fits or not ack_fits else _Fits.PAST
        overshot = (end - sender.maxend + 1) & 0xFFFFFFFF
        room = receiver.maxwin and in_receiver and overshot <= receiver.maxwin
        if not seq_fits and room and ack_not_old and ack_fits:
            sender.end = end
            sender.flags |= _F_UNACKNOWLEDGED
            found = _Fits.PAST
        return _Fits.YES if sender.flags & _F_BE_LIBERAL or settings.tcp_be_liberal else found
    if not flags & SYN:
        win <<= sender.scale
    sender.maxwin = max(sender.maxwin, win + ((sack - ack) & 0xFFFFFFFF))
    if _after(end, sender.end):
        sender.end = end
        sender.flags |= _F_UNACKNOWLEDGED
    if flags & ACK and (not sender.flags & _F_MAXACK_SET or _after(ack, sender.maxack)):
        sender.maxack = ack
        sender.flags |= _F_MAXACK_SET
    if receiver.maxwin and _after(end, sender.maxend):
        receiver.maxwin += (end - sender.maxend) & 0xFFFFFFFF
    if _after((sack + win) & 0xFFFFFFFF, (receiver.maxend - 1) & 0xFFFFFFFF):
        receiver.maxend = (sack + win + (win == 0)) & 0xFFFFFFFF
    if ack == receiver.end:
        receiver.flags &= ~_F_UNACKNOWLEDGED
    if row == _ACK:
        _count_retransmissions(tcp, reply, seq, ack, end, segment.win)
    return _Fits.YES


def _count_retransmissions(tcp: Tcp, reply: bool, seq: int, ack: int, end: int, win: int) -> None:
    same = (tcp.last_reply, tcp.last_seq, tcp.last_ack, tcp.last_end, tcp.last_win) == (reply, seq, ack, end, win)
    if same:
        tcp.retrans += 1
        return
    tcp.last_reply = reply
    tcp.last_seq, tcp.last_ack, tcp.last_end, tcp.last_win = seq, ack, end, win
    tcp.retrans = 0


def is_closed(flow: Flow) -> bool:
    """nf_conncount.c, already_closed."""
    return isinstance(flow.proto, Tcp) and flow.proto.state in (TIME_WAIT, CLOSE)


def may_be_evicted(flow: Flow) -> bool:
    """tcp_can_early_drop."""
    return isinstance(flow.proto, Tcp) and flow.proto.state in (FIN_WAIT, LAST_ACK, TIME_WAIT, CLOSE, CLOSE_WAIT)


def picked_up() -> Tcp:
    """A flow in the middle of which tracking begins: as ``_new`` of a segment that is none of a handshake."""
    tcp = Tcp()
    tcp.state = ES
    for end in tcp.seen:
        end.flags = _F_SACK_PERM | _F_BE_LIBERAL
    return tcp


def set_closing(flow: Flow, now: int, settings: Settings) -> None:
    """nf_conntrack_tcp_set_closing: what a rule does to the flow of a packet that it answers with a reset."""
    if isinstance(flow.proto, Tcp) and flow.status & CONFIRMED:
        flow.proto.state = CLOSE
        flow.timeout = now + (flow.timeouts or settings.tcp_timeouts)["close"] * 1_000_000_000
