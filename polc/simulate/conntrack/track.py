"""What conntrack makes of a packet (net/netfilter/nf_conntrack_core.c, nf_conntrack_in)."""

from __future__ import annotations

from polc.ir.matches import CtState
from polc.ir.protocols import ICMP, ICMPV6, SCTP, TCP, UDP, UDPLITE
from polc.simulate.conntrack import sctp, tcp
from polc.simulate.conntrack.flow import (
    ASSURED,
    CONFIRMED,
    EXPECTED,
    FIXED_TIMEOUT,
    NAT_CLASH,
    SECOND,
    SEEN_REPLY,
    Flow,
    invert,
    tuple_of,
    tuple_of_quoted,
)
from polc.simulate.conntrack.table import Table
from polc.simulate.conntrack.tcp import Result
from polc.simulate.flight import ESTABLISHED, INVALID, NEW, RELATED, UNTRACKED, Flight
from polc.simulate.packet import GRE, Presumed
from polc.simulate.settings import Settings

_ICMP_BEGINS = frozenset({8, 13, 15, 17})
# nf_conntrack_proto_icmpv6.c: echo and node information begin flows; multicast listener discovery, router and
# neighbour discovery, multicast router discovery are not tracked at all.
_ICMPV6_BEGINS = frozenset({128, 139})
_ICMPV6_UNTRACKED = frozenset({130, 131, 132, 133, 134, 135, 136, 143, 151, 152})
_ICMPV6_REDIRECT = 137
_HIGHEST_ICMP = 18

_REPEATS = 2
_SUMMED = frozenset({UDP, UDPLITE, ICMP, ICMPV6, SCTP})
"""Protocols but TCP of which a wrong sum is looked for (net/netfilter/nf_conntrack_proto_*.c)."""


def track(table: Table, flight: Flight, settings: Settings) -> bool:
    """nf_conntrack_in; False: conntrack itself drops the packet."""
    presumed = flight.packet.presumed
    if flight.flow is not None or flight.state == UNTRACKED:
        # Seen before (it came over the loopback interface, or answers), or exempted.
        if flight.flow is None and presumed is not None and presumed.state in (CtState.ESTABLISHED, CtState.RELATED):
            # The flow is there all the same, and errors about the packet are related to it.
            _presume(table, Flight(flight.packet), presumed, settings)
        return True
    if presumed is not None and presumed.state in (CtState.INVALID, CtState.UNTRACKED):
        flight.state = presumed.state.value
        return True
    if presumed is None and flight.protocol in (ICMP, ICMPV6):
        done = _track_icmp(table, flight, settings)
        if done is not None:
            return done
    if presumed is not None:
        return _presume(table, flight, presumed, settings)
    for _ in range(_REPEATS):
        if not _resolve(table, flight):
            return not table.is_full
        if flight.flow is None:
            return True
        result = _handle(table, flight.flow, flight, settings)
        if result is Result.REPEAT:
            table.kill(flight.flow)
            _forget(flight)
            continue
        if result is Result.INVALID:
            _forget(flight)
            return True
        if flight.reply and flight.state == ESTABLISHED:
            flight.flow.status |= SEEN_REPLY
        return result is not Result.DROP
    return True


def _forget(flight: Flight) -> None:
    flight.flow = None
    flight.reply = False
    flight.state = INVALID


def _zone(flight: Flight) -> tuple[int, int]:
    template = flight.template
    return (template.zone, template.zone_directions) if template else (0, 3)


def _resolve(table: Table, flight: Flight) -> bool:
    """resolve_normal_ct; False: the table is full, or the packet cannot have a flow (then it is invalid)."""
    of = tuple_of(flight, table.gre_keys)
    if of is None:
        return True
    zone, directions = _zone(flight)
    found = table.find(of) if not zone else table.lookup(of, zone, directions)
    if found is None:
        flow = _begin(table, flight)
        if flow is None:
            return False
        flight.flow, flight.reply = flow, False
    else:
        flight.flow, flight.reply = found
    status = flight.flow.status
    if flight.reply or status & SEEN_REPLY:
        flight.state = ESTABLISHED
    elif status & EXPECTED:
        flight.state = RELATED
    else:
        flight.state = NEW
    return True


def _begin(table: Table, flight: Flight) -> Flow | None:
    """init_conntrack."""
    of = tuple_of(flight, table.gre_keys)
    if of is None or (table.is_full and not table.make_room()):
        return None
    flow = table.create(of)
    if flow is None:
        return None
    template = flight.template
    if template is not None:
        flow.zone, flow.zone_directions = template.zone, template.zone_directions
        flow.timeouts = template.timeout
    if table.expectations:
        expected = table.expectations.take(of, flow.zone_of(False), table.now)
        if expected is not None:
            flow.status |= EXPECTED
            flow.master = expected.master
            flow.mark = expected.master.mark
            flow.helper = expected.helper
            if expected.on_flow is not None:
                expected.on_flow(table, flow, expected)
            return flow
    if template is not None and template.helper:
        flow.helper, flow.helper_set = template.helper, True
    return flow


def _handle(table: Table, flow: Flow, flight: Flight, settings: Settings) -> Result:
    """nf_conntrack_handle_packet: the protocol's own part, the flow's new timeout, and its counters."""
    protocol = flow.original[1]
    result, seconds = Result.ACCEPT, None
    if protocol == TCP:
        result, seconds = tcp.track(flow, flight, settings)
    elif flight.packet.bad_checksum and settings.checksum and protocol in _SUMMED:
        return Result.INVALID
    elif protocol == UDP:
        seconds = _udp(table, flow, settings)
    elif protocol == ICMP:
        if flight.six or flow.original[5] >> 8 not in _ICMP_BEGINS:
            return Result.INVALID
        seconds = _override(flow, "timeout", settings.icmp_timeout)
    elif protocol == ICMPV6:
        begins = bool(flow.status & CONFIRMED) or flow.original[5] >> 8 in _ICMPV6_BEGINS
        if not flight.six or not begins:
            return Result.INVALID
        seconds = _override(flow, "timeout", settings.icmpv6_timeout)
    elif protocol == UDPLITE:
        if flight.iif and settings.checksum:
            # The kernel checks the sum of what comes in as if it were UDP's, which it never is (udplite_error).
            return Result.INVALID
        seconds = _answered(flow, _udp_timeouts(flow, settings))
    elif protocol == GRE:
        seconds = _gre(flow, settings)
    elif protocol == SCTP:
        result, seconds = sctp.track(flow, flight, settings)
    else:
        seconds = _override(flow, "timeout", settings.generic_timeout)
    if result is Result.KILLED:
        _count(flow, flight)
        table.kill(flow)
    elif seconds is not None:
        refresh(table, flow, seconds * SECOND)
        _count(flow, flight)
    return result


def _count(flow: Flow, flight: Flight) -> None:
    flow.packets[flight.reply] += 1
    flow.bytes[flight.reply] += flight.length


def refresh(table: Table, flow: Flow, timeout: int) -> None:
    """__nf_ct_refresh_acct."""
    if not flow.status & FIXED_TIMEOUT:
        flow.timeout = timeout + table.now if flow.status & CONFIRMED else timeout


def _override(flow: Flow, name: str, seconds: int) -> int:
    """The flow's own timeout, where a policy of timeouts gives one (nf_ct_timeout_lookup)."""
    return seconds if flow.timeouts is None else flow.timeouts.get(name, seconds)


def _udp_timeouts(flow: Flow, settings: Settings) -> tuple[int, int]:
    own = flow.timeouts or {}
    return own.get("unreplied", settings.udp_timeout), own.get("replied", settings.udp_timeout_stream)


def _udp(table: Table, flow: Flow, settings: Settings) -> int:
    """nf_conntrack_proto_udp.c, nf_conntrack_udp_packet: a flow that is still active after two seconds is a stream."""
    unreplied, replied = _udp_timeouts(flow, settings)
    if not flow.status & (CONFIRMED | ASSURED):
        flow.stream_at = table.now + 2 * SECOND
    if not flow.status & SEEN_REPLY or table.now <= flow.stream_at:
        return unreplied
    if not flow.status & NAT_CLASH:
        flow.status |= ASSURED
    return replied


def _answered(flow: Flow, timeouts: tuple[int, int]) -> int:
    """The timeouts of before and after an answer; after one the flow is assured."""
    if not flow.status & SEEN_REPLY:
        return timeouts[0]
    if not flow.status & NAT_CLASH:
        flow.status |= ASSURED
    return timeouts[1]


def _gre(flow: Flow, settings: Settings) -> int:
    """nf_conntrack_proto_gre.c, nf_conntrack_gre_packet."""
    if flow.gre_timeouts is None:
        own = flow.timeouts or {}
        flow.gre_timeouts = (
            own.get("unreplied", settings.gre_timeout),
            own.get("replied", settings.gre_timeout_stream),
        )
    return _answered(flow, flow.gre_timeouts)


def _track_icmp(table: Table, flight: Flight, settings: Settings) -> bool | None:
    """nf_conntrack_handle_icmp: errors, and what is not tracked; None: go on as with any packet."""
    packet = flight.packet
    if flight.protocol != (ICMPV6 if flight.six else ICMP):
        return None
    if packet.fragment or (packet.bad_checksum and settings.checksum):
        return True
    kind = flight.type
    if not flight.six and kind > _HIGHEST_ICMP:
        return True
    if flight.six and kind in _ICMPV6_UNTRACKED:
        flight.state = UNTRACKED
        return True
    redirect = flight.six and kind == _ICMPV6_REDIRECT
    if redirect and (flight.code != 0 or packet.quoted is None):
        return None
    if redirect and (packet.ttl != 255 or flight.saddr >> 118 != 0x3FA):
        return True
    if not packet.is_icmp_error and not redirect:
        return None
    _relate(table, flight)
    return True


def _relate(table: Table, flight: Flight) -> None:
    """nf_conntrack_proto_icmp.c, nf_conntrack_inet_error: an error is related to the flow of the packet that it
    quotes, when it goes to where that flow's packets of the other direction go.
    """
    quoted = flight.quoted
    inner = tuple_of_quoted(quoted) if quoted is not None and quoted.family is flight.family else None
    answered = invert(inner) if inner is not None else None
    if answered is None:
        return
    zone, directions = _zone(flight)
    found = table.lookup(answered, zone, directions)
    if found is None:
        return
    flow, reply = found
    if flow.tuple(reply)[3] != flight.daddr:
        return
    flight.flow, flight.reply, flight.state = flow, reply, RELATED


def _presume(table: Table, flight: Flight, presumed: Presumed, settings: Settings) -> bool:
    """Make a flow of which this packet is what it is presumed to be, in the place of whatever flow it is of."""
    of = tuple_of(flight, table.gre_keys)
    reply = bool(presumed.reply)
    answer = invert(of) if of is not None else None
    if of is None or answer is None:
        # An error about a flow that nobody has described: the state is all that can be said.
        flight.state = presumed.state.value
        return True
    found = table.find(of)
    if found is not None:
        table.kill(found[0])
    original, reverse = (answer, of) if reply else (of, answer)
    if presumed.original is not None:
        source, sport, destination, dport = presumed.original
        original = (of[0], of[1], source, destination, sport, dport)
    flow = Flow(original, reverse, 0)
    status = presumed.status or 0
    if presumed.state is CtState.ESTABLISHED:
        status |= SEEN_REPLY
    if presumed.state is CtState.RELATED or presumed.helper:
        status |= EXPECTED
    unsaid = presumed.state is CtState.RELATED and presumed.status is None
    confirmed = presumed.state is CtState.ESTABLISHED or unsaid or reply or bool(status & CONFIRMED)
    flow.status = status & ~CONFIRMED
    if status & ASSURED:
        # One of UDP has been a stream for a while.
        flow.stream_at = table.now - 1
    flow.mark = presumed.mark or 0
    if presumed.helper or presumed.state is CtState.RELATED:
        flow.master = Flow(original, reverse, 0)
        flow.master.helper = presumed.helper
        flow.master.mark = flow.mark
    flight.flow, flight.reply, flight.state = flow, reply, presumed.state.value
    if flow.original[1] == TCP and presumed.state is CtState.ESTABLISHED:
        flow.proto = tcp.picked_up()
        refresh(table, flow, settings.tcp_timeouts["established"] * SECOND)
    elif flow.original[1] == SCTP:
        flow.proto = sctp.Sctp()
        refresh(table, flow, settings.sctp_timeouts["established"] * SECOND)
    else:
        _handle(table, flow, flight, settings)
    if presumed.status is not None:
        flow.status = presumed.status & ~CONFIRMED | (EXPECTED if flow.master else 0)
    if confirmed:
        return table.confirm(flow) is not None
    return True
