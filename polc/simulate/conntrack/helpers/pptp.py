"""PPTP: net/netfilter/nf_conntrack_pptp.c. The control connection tells the call numbers of the GRE packets to come."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from polc.ir.protocols import TCP
from polc.simulate.conntrack.expect import Expectation
from polc.simulate.conntrack.flow import NAT_MASK, Flow
from polc.simulate.conntrack.table import Table
from polc.simulate.flight import ESTABLISHED, Flight
from polc.simulate.packet import GRE
from polc.simulate.unknown import OnlyKernelKnows
from polc.simulate.world import World

_COOKIE = 0x1A2B3C4D
_CONTROL = 1

# linux/netfilter/nf_conntrack_pptp.h: messages, states of the session and of the call.
_START_REQUEST, _START_REPLY, _STOP_REQUEST, _STOP_REPLY = 1, 2, 3, 4
_OUT_REQUEST, _OUT_REPLY, _IN_REQUEST, _IN_REPLY, _IN_CONNECT = 7, 8, 9, 10, 11
_CLEAR_REQUEST, _DISCONNECT = 12, 13
_NONE, _ERROR, _STOPREQ, _REQUESTED, _CONFIRMED = range(5)
_CALL_NONE, _OUT_REQ, _OUT_CONF, _IN_REQ, _IN_REP, _IN_CONF, _CLEAR_REQ = range(7)
_OK = 1

_GRE_TIMEOUT, _GRE_STREAM_TIMEOUT = 600, 18_000


@dataclass(slots=True)
class Call:
    """struct nf_ct_pptp_master; ``pns`` is the call number of the client, ``pac`` the server's."""

    session: int = _NONE
    state: int = _CALL_NONE
    pns: int = 0
    pac: int = 0


def read(world: World, flow: Flow, flight: Flight) -> bool:
    """conntrack_pptp_help.

    Raises:
        OnlyKernelKnows: the flow is NATed, and the numbers of its calls are changed on the way.
    """
    data = flight.payload
    if flight.state != ESTABLISHED or flight.protocol != TCP or len(data) < 12:
        return True
    if int.from_bytes(data[2:4], "big") != _CONTROL or int.from_bytes(data[4:8], "big") != _COOKIE:
        return True
    if flow.status & NAT_MASK:
        raise OnlyKernelKnows("what the helper `pptp` makes of a flow that NAT changes")
    if not isinstance(flow.helper_data, Call):
        flow.helper_data = Call()
    message = int.from_bytes(data[8:10], "big")
    (_from_server if flight.reply else _from_client)(world, flow, flow.helper_data, message, data[12:])
    return True


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")


def _from_client(world: World, flow: Flow, call: Call, message: int, data: bytes) -> None:
    """pptp_outbound_pkt."""
    if message == _START_REQUEST and call.session == _NONE:
        call.session = _REQUESTED
    elif message == _STOP_REQUEST:
        call.session = _STOPREQ
    elif message == _OUT_REQUEST and call.session == _CONFIRMED:
        call.state, call.pns = _OUT_REQ, _number(data, 0)
    elif message == _IN_REPLY and call.state in (_IN_REQ, _IN_REP) and call.pac == _number(data, 2):
        if data[4:5] == bytes([_OK]):
            call.state, call.pns = _IN_REP, _number(data, 0)
        else:
            call.state = _CALL_NONE
    elif message == _CLEAR_REQUEST and call.session == _CONFIRMED:
        call.state = _CLEAR_REQ


def _from_server(world: World, flow: Flow, call: Call, message: int, data: bytes) -> None:
    """pptp_inbound_pkt."""
    if message == _START_REPLY and call.session >= _REQUESTED:
        call.session = _CONFIRMED if data[2:3] == bytes([_OK]) else _ERROR
    elif message == _STOP_REPLY and call.session <= _STOPREQ:
        call.session = _NONE if data[0:1] == bytes([_OK]) else _ERROR
    elif message == _OUT_REPLY and call.session == _CONFIRMED and call.state in (_OUT_REQ, _OUT_CONF):
        if call.pns != _number(data, 2):
            return
        if data[4:5] == bytes([_OK]):
            call.state, call.pac = _OUT_CONF, _number(data, 0)
            _expect_gre(world, flow, call)
        else:
            call.state = _CALL_NONE
    elif message == _IN_REQUEST and call.session == _CONFIRMED:
        call.state, call.pac = _IN_REQ, _number(data, 0)
    elif message == _IN_CONNECT and call.session == _CONFIRMED and call.state in (_IN_REP, _IN_CONF):
        if call.pns == _number(data, 0):
            call.state = _IN_CONF
            _expect_gre(world, flow, call)
    elif message == _DISCONNECT:
        call.state = _CALL_NONE
        end_calls(world.table, flow, call)


def _expect_gre(world: World, flow: Flow, call: Call) -> None:
    """exp_gre: GRE in both directions, whichever comes first."""
    table = world.table
    six, _, client, server, _, _ = flow.original
    there = Expectation(flow, GRE, client, server, call.pac, left=call.pns, limit=2, seconds=120)
    back = Expectation(flow, GRE, server, client, call.pns, left=call.pac, limit=2, seconds=120)
    for made in (there, back):
        made.on_flow = _begin
    if not table.expectations.add(there, table.now):
        return
    if not table.expectations.add(back, table.now):
        table.expectations.remove(there)
        return
    table.gre_keys[six, client, server, call.pac] = call.pns
    table.gre_keys[six, server, client, call.pns] = call.pac
    flow.on_end = partial(end_calls, table, flow, call)


def _begin(table: Table, flow: Flow, expectation: Expectation) -> None:
    """pptp_expectfn: the flow lives longer than other GRE, and its other direction is no flow of its own."""
    flow.gre_timeouts = (_GRE_TIMEOUT, _GRE_STREAM_TIMEOUT)
    other = table.expectations.find(flow.reply, flow.zone_of(False), table.now)
    if other is not None:
        table.expectations.remove(other)


def end_calls(table: Table, flow: Flow, call: Call) -> None:
    """pptp_destroy_siblings: with the call go its GRE flow and what was expected of it."""
    six, _, client, server, _, _ = flow.original
    table.gre_keys.pop((six, client, server, call.pac), None)
    table.gre_keys.pop((six, server, client, call.pns), None)
    ways = (six, GRE, client, server, call.pns, call.pac), (six, GRE, server, client, call.pac, call.pns)
    for of in ways:
        found = table.find(of, flow.zone_of(False))
        if found is not None:
            table.kill(found[0])
            continue
        expected = table.expectations.find(of, flow.zone_of(False), table.now)
        if expected is not None:
            table.expectations.remove(expected)
