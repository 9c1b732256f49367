"""Messages that tell conntrack of flows that no packet has begun (uapi/linux/netfilter/nfnetlink_conntrack.h)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator

from polc.ir.fields import CT_STATUS_BITS
from polc.ir.matches import CtState
from polc.ir.protocols import DCCP, ICMP, ICMP_FAMILY, ICMPV6, PORT_PROTOCOLS, SCTP, TCP
from polc.kernel.stage.nfnetlink import ACK, REQUEST, attribute, message
from polc.simulate.conntrack.flow import FlowTuple, invert, tuple_of
from polc.simulate.flight import Flight
from polc.simulate.packet import Packet

_SUBSYSTEM, _EXPECTATIONS, _NEW, _DELETE = 1, 2, 0, 2
_EXCLUSIVE, _CREATE = 0x200, 0x400
_NESTED = 0x8000
_ORIGINAL, _REPLY, _STATUS, _PROTOINFO, _HELP, _TIMEOUT, _MARK, _MASTER = 1, 2, 3, 4, 5, 7, 8, 14
_TUPLE_IP, _TUPLE_PROTO = 1, 2
_TCP_ESTABLISHED, _LIBERAL = 3, 8
_SECONDS = 600
_SEEN_REPLY = CT_STATUS_BITS["seen-reply"]
_ASSURED = CT_STATUS_BITS["assured"]
_SETTABLE = _SEEN_REPLY | _ASSURED | CT_STATUS_BITS["confirmed"]
_MASTER_PORT = 21


def can_know(packet: Packet) -> bool:
    """Whether conntrack can be told of the flow that is presumed of a packet."""
    given = packet.presumed
    if given is None or given.state not in (CtState.ESTABLISHED, CtState.RELATED):
        return False
    if given.state is CtState.RELATED and given.status is not None:
        # What is related was expected, and that no message can say without a master, which has it from there.
        return False
    if ICMP_FAMILY.get(packet.protocol, packet.family) is not packet.family:
        return False
    of = tuple_of(Flight(packet), {})
    # NAT is done when a flow begins, or not at all; other protocols have states of their own.
    plain = given.original is None and not (given.status or 0) & ~_SETTABLE
    # Which of the two it is follows from the bit.
    # A flow that was answered is assured by the packet itself.
    if given.status is not None and given.status & (_SEEN_REPLY | _ASSURED) == _SEEN_REPLY and packet.protocol != ICMP:
        return False
    replied = given.status is None or bool(given.status & _SEEN_REPLY) == (given.state is CtState.ESTABLISHED)
    # Of one that is its own answer nobody knows in which direction the table finds it.
    return of is not None and invert(of) not in (None, of) and packet.protocol not in (DCCP, SCTP) and plain and replied


def known(packet: Packet) -> Iterator[bytes]:
    """What makes the flow that is presumed of a packet, in the place of the one that it is of. Deleting one that is
    not there is an error that means nothing.
    """
    given, of = packet.presumed, tuple_of(Flight(packet), {})
    assert given is not None
    assert of is not None
    answer = invert(of)
    assert answer is not None
    original, reply = (answer, of) if given.reply else (of, answer)
    yield _message(_DELETE, 0, of, [_tuple(_ORIGINAL, of)])
    status = given.status or 0
    parts = [_tuple(_ORIGINAL, original), _tuple(_REPLY, reply)]
    if given.state is CtState.ESTABLISHED:
        status |= _SEEN_REPLY
    if given.state is CtState.RELATED or given.helper:
        # One that was expected is of a flow between the same ends.
        master = (of[0], TCP, of[2], of[3], of[4] ^ 1 or 1, _MASTER_PORT)
        yield _message(_DELETE, 0, master, [_tuple(_ORIGINAL, master)])
        helper = [_nested(_HELP, [attribute(1, given.helper.encode() + b"\0")])] if given.helper else []
        turned = (master[0], TCP, master[3], master[2], master[5], master[4])
        yield _create(master, [_tuple(_ORIGINAL, master), _tuple(_REPLY, turned), *helper], 0, given.mark or 0)
        parts.append(_tuple(_MASTER, master))
    yield _create(of, parts, status, given.mark or 0)


def forget() -> Iterator[bytes]:
    """What has conntrack forget all flows and expectations: a deletion that names none (ctnetlink_del_conntrack,
    ctnetlink_del_expect).
    """
    for subsystem in (_SUBSYSTEM, _EXPECTATIONS):
        yield message(subsystem, _DELETE, REQUEST | ACK)


def _create(of: FlowTuple, parts: Iterable[bytes], status: int, mark: int) -> bytes:
    about = [
        attribute(_STATUS, struct.pack(">I", status | CT_STATUS_BITS["confirmed"])),
        attribute(_TIMEOUT, struct.pack(">I", _SECONDS)),
    ]
    if mark:
        about.append(attribute(_MARK, struct.pack(">I", mark)))
    if of[1] == TCP:
        # The numbers of either end are those of the first packets that are seen.
        flags = struct.pack("BB", _LIBERAL, _LIBERAL)
        tcp = [attribute(1, bytes([_TCP_ESTABLISHED])), attribute(4, flags), attribute(5, flags)]
        about.append(_nested(_PROTOINFO, [_nested(1, tcp)]))
    return _message(_NEW, _CREATE | _EXCLUSIVE, of, [*parts, *about])


def _message(what: int, flags: int, of: FlowTuple, parts: Iterable[bytes]) -> bytes:
    family = socket.AF_INET6 if of[0] else socket.AF_INET
    return message(_SUBSYSTEM, what, REQUEST | ACK | flags, b"".join(parts), family=family)


def _tuple(kind: int, of: FlowTuple) -> bytes:
    six, protocol, source, destination, left, right = of
    size, first = (16, 3) if six else (4, 1)
    ip = [attribute(first, source.to_bytes(size, "big")), attribute(first + 1, destination.to_bytes(size, "big"))]
    proto = [attribute(1, bytes([protocol]))]
    if protocol in (ICMP, ICMPV6):
        at = 4 if protocol == ICMP else 7
        proto += [
            attribute(at, struct.pack(">H", left)),
            attribute(at + 1, bytes([right >> 8])),
            attribute(at + 2, bytes([right & 255])),
        ]
    elif protocol in PORT_PROTOCOLS:
        proto += [attribute(2, struct.pack(">H", left)), attribute(3, struct.pack(">H", right))]
    return _nested(kind, [_nested(_TUPLE_IP, ip), _nested(_TUPLE_PROTO, proto)])


def _nested(kind: int, parts: Iterable[bytes]) -> bytes:
    return attribute(kind | _NESTED, b"".join(parts))
