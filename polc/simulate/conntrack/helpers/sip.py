"""SIP: net/netfilter/nf_conntrack_sip.c, with its defaults: media and signalling go straight between both ends."""

from __future__ import annotations

import re
from dataclasses import dataclass

from polc.ir.addresses import parse_address
from polc.ir.protocols import TCP, UDP
from polc.simulate.conntrack.expect import Expectation
from polc.simulate.conntrack.flow import EXPECTED, NAT_MASK, SECOND, Flow
from polc.simulate.conntrack.track import refresh
from polc.simulate.flight import ESTABLISHED, Flight
from polc.simulate.unknown import OnlyKernelKnows
from polc.simulate.world import World

_SIGNALLING, _AUDIO, _VIDEO, _IMAGE = range(4)
_MEDIA = {b"audio": _AUDIO, b"video": _VIDEO, b"image": _IMAGE}
_LIMITS = {_SIGNALLING: 1, _AUDIO: 4, _VIDEO: 4, _IMAGE: 2}
_EXPECT_SECONDS = 180
_SIP_SECONDS = 3600
_SIP_PORT = 5060
_SHORTEST = len("SIP/2.0 200")

_METHODS = (b"INVITE", b"UPDATE", b"ACK", b"PRACK", b"BYE", b"REGISTER")
_WITH_MEDIA = (b"INVITE", b"UPDATE", b"PRACK")
_CSEQ = re.compile(rb"^CSeq[ \t]*:[ \t]*(\d+)[ \t]+([A-Z]+)", re.IGNORECASE | re.MULTILINE)
_EXPIRES = re.compile(rb"^Expires[ \t]*:[ \t]*(\d+)", re.IGNORECASE | re.MULTILINE)
_CONTACT = re.compile(rb"^(?:Contact|m)[ \t]*:(.*)$", re.IGNORECASE | re.MULTILINE)
_URI = re.compile(rb"sip:(?:[^@>;\s]*@)?(\[[0-9A-Fa-f:.]+\]|[0-9.]+)(?::(\d{1,5}))?([^,\r]*)", re.IGNORECASE)
_CONNECTION = re.compile(rb"^c=IN IP[46] ([0-9A-Fa-f:.]+)", re.MULTILINE)
_DESCRIBED = re.compile(rb"^m=(\w+) (\d+)", re.MULTILINE)


@dataclass(slots=True)
class Dialog:
    """struct nf_ct_sip_master: the sequence numbers of the last requests."""

    register: int = -1
    invite: int = -1


def read(world: World, flow: Flow, flight: Flight) -> bool:
    """sip_help_udp, sip_help_tcp.

    Raises:
        OnlyKernelKnows: the flow is NATed, and addresses in the message are changed on the way.
    """
    data = flight.payload
    if flight.protocol == TCP and flight.state != ESTABLISHED:
        return True
    if len(data) < _SHORTEST:
        return True
    if flow.status & NAT_MASK:
        raise OnlyKernelKnows("what the helper `sip` makes of a flow that NAT changes")
    refresh(world.table, flow, _SIP_SECONDS * SECOND)
    if not isinstance(flow.helper_data, Dialog):
        flow.helper_data = Dialog()
    if data.startswith(b"SIP/2.0 "):
        return _response(world, flow, flight, flow.helper_data, data)
    return _request(world, flow, flight, flow.helper_data, data)


def _request(world: World, flow: Flow, flight: Flight, dialog: Dialog, data: bytes) -> bool:
    method = next((one for one in _METHODS if data[: len(one)].upper() == one), None)
    if method is None:
        return True
    found = _CSEQ.search(data)
    if found is None:
        return False
    number = int(found.group(1))
    match method:
        case b"INVITE":
            _flush(world, flow, media=True)
            done = _media(world, flow, flight, data)
            if done:
                dialog.invite = number
            return done
        case b"BYE":
            _flush(world, flow, media=True)
            return True
        case b"REGISTER":
            return _register(world, flow, flight, dialog, data, number)
        case _:
            return _media(world, flow, flight, data)


def _response(world: World, flow: Flow, flight: Flight, dialog: Dialog, data: bytes) -> bool:
    found = _CSEQ.search(data)
    code_text = data[8:11]
    if found is None or not code_text.isdigit():
        return False
    code, number, method = int(code_text), int(found.group(1)), found.group(2).upper()
    if method in _WITH_MEDIA:
        if code < 300:
            return _media(world, flow, flight, data)
        if dialog.invite == number:
            _flush(world, flow, media=True)
    elif method == b"REGISTER":
        return _registered(world, flow, flight, dialog, data, number, code)
    return True


def _flush(world: World, flow: Flow, *, media: bool) -> None:
    """flush_expectations."""
    for one in list(flow.expectations):
        if (one.kind != _SIGNALLING) is media:
            world.table.expectations.remove(one)


def _media(world: World, flow: Flow, flight: Flight, data: bytes) -> bool:
    """process_sdp, set_expected_rtp_rtcp: two ports of each stream, where the sender itself is to get it."""
    start = data.find(b"v=0")
    if start < 0:
        return True
    described = data[start:]
    streams = list(_DESCRIBED.finditer(described))
    first = streams[0].start() if streams else len(described)
    general = _CONNECTION.search(described, 0, first)
    for at, stream in enumerate(streams):
        kind = _MEDIA.get(stream.group(1))
        port = int(stream.group(2))
        if kind is None or port == 0:
            continue
        end = streams[at + 1].start() if at + 1 < len(streams) else len(described)
        connection = _CONNECTION.search(described, stream.end(), end) or general
        address = _address(connection.group(1), flight) if connection else None
        if not 1024 <= port <= 65535 or address is None:
            return False
        if address != flow.tuple(flight.reply)[2]:
            continue
        other = flow.tuple(not flight.reply)[2]
        for number in (port & ~1, (port & ~1) + 1):
            made = Expectation(
                flow, UDP, other, address, number, kind=kind, limit=_LIMITS[kind], seconds=_EXPECT_SECONDS
            )
            if not world.table.expectations.add(made, world.table.now, any_master=True):
                return False
    return True


def _register(world: World, flow: Flow, flight: Flight, dialog: Dialog, data: bytes, number: int) -> bool:
    """process_register_request: calls to whoever registers are expected, once the registrar agrees."""
    if flow.status & EXPECTED:
        return True
    contact = _contact(data, flight)
    if contact is None or contact[0] != flow.tuple(flight.reply)[2]:
        return True
    address, port, protocol, expires = contact
    if expires:
        other = flow.tuple(not flight.reply)[2]
        made = Expectation(flow, protocol, other, address, port, kind=_SIGNALLING, seconds=_EXPECT_SECONDS)
        made.permanent = made.inactive = True
        made.helper = "sip"
        if not world.table.expectations.add(made, world.table.now):
            return False
    dialog.register = number
    return True


def _registered(world: World, flow: Flow, flight: Flight, dialog: Dialog, data: bytes, number: int, code: int) -> bool:
    """process_register_response."""
    if dialog.register != number or code < 200:
        return True
    contact = _contact(data, flight) if code < 300 else None
    if contact is not None and contact[0] == flow.tuple(flight.reply)[3] and contact[3]:
        address, port, protocol, expires = contact
        for one in flow.expectations:
            if one.kind == _SIGNALLING and (one.protocol, one.destination, one.right) == (protocol, address, port):
                one.inactive = False
                one.timeout = world.table.now + expires * SECOND
                return True
    _flush(world, flow, media=False)
    return True


def _contact(data: bytes, flight: Flight) -> tuple[int, int, int, int] | None:
    """Address, port, protocol and seconds of the first contact."""
    header = _CONTACT.search(data)
    found = _URI.search(header.group(1)) if header else None
    if found is None:
        return None
    address = _address(found.group(1).strip(b"[]"), flight)
    if address is None:
        return None
    rest = found.group(3).lower()
    general = _EXPIRES.search(data)
    own = re.search(rb"expires=(\d+)", rest)
    expires = int(own.group(1)) if own else int(general.group(1)) if general else 0
    protocol = TCP if b"transport=tcp" in rest else UDP if b"transport=udp" in rest else flight.protocol
    return address, int(found.group(2) or _SIP_PORT), protocol, expires


def _address(text: bytes, flight: Flight) -> int | None:
    try:
        family, address, _ = parse_address(text.decode("ascii", "replace"))
    except ValueError:
        return None
    return address if family is flight.family else None
