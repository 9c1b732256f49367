"""FTP: net/netfilter/nf_conntrack_ftp.c, nf_nat_ftp.c.

Only packets that begin where an earlier one ended a line are read, so the first data of either end are not. Of packets
without a sequence number each is taken to begin a line, as it does where programs write one line at a time.
"""

from __future__ import annotations

import re

from polc.ir.addresses import format_address, parse_address
from polc.ir.protocols import TCP
from polc.simulate.conntrack.expect import Expectation
from polc.simulate.conntrack.flow import NAT_MASK, Flow
from polc.simulate.conntrack.helpers.natted import expect
from polc.simulate.flight import ESTABLISHED, Flight
from polc.simulate.world import World

_SIX_NUMBERS = rb"(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})"
_PORT = re.compile(rb"PORT[^ ]* " + _SIX_NUMBERS + rb"\r", re.IGNORECASE)
_PASV = re.compile(rb"227 \D*" + _SIX_NUMBERS + rb"(?!\d)", re.IGNORECASE)
_EPRT = re.compile(rb"EPRT[^ ]* ([!-/:-~])([12])\1([0-9A-Fa-f:.]+)\1(\d{1,5})\1", re.IGNORECASE)
_EPSV = re.compile(rb"229 [^(]*\(([!-/:-~])\1\1(\d{1,5})\1", re.IGNORECASE)
_REMEMBERED = 2  # NUM_SEQ_TO_REMEMBER
_COMMANDS = ((rb"PORT", _PORT), (rb"EPRT", _EPRT)), ((rb"227 ", _PASV), (rb"229 ", _EPSV))


class _Lines:
    """struct nf_ct_ftp_master: the sequence numbers behind the last two lines of each end."""

    __slots__ = ("behind",)

    def __init__(self) -> None:
        self.behind: tuple[list[int], list[int]] = ([], [])

    def note(self, seq: int, reply: bool) -> None:
        """update_nl_seq: of two the older one goes."""
        known = self.behind[reply]
        if seq in known:
            return
        if len(known) < _REMEMBERED:
            known.append(seq)
            return
        older = 0 if (known[1] - known[0]) & 0xFFFFFFFF < 1 << 31 else 1
        known[older] = seq


def read(world: World, flow: Flow, flight: Flight) -> bool:
    """help: the port that one end names is expected to be called by the other; a command that cannot be read is
    dropped.
    """
    data, seq = flight.payload, flight.packet.seq
    if flight.state != ESTABLISHED or flight.protocol != TCP or not data:
        return True
    if seq is None:
        return _line(world, flow, flight)
    if not isinstance(flow.helper_data, _Lines):
        flow.helper_data = _Lines()
    lines = flow.helper_data
    passes = seq not in lines.behind[flight.reply] or _line(world, flow, flight)
    if passes and data.endswith(b"\n"):
        lines.note(seq + len(data) & 0xFFFFFFFF, flight.reply)
    return passes


def _line(world: World, flow: Flow, flight: Flight) -> bool:
    data = flight.payload
    for word, pattern in _COMMANDS[flight.reply]:
        if data[: len(word)].upper() != word:
            continue
        found = pattern.match(data)
        named = None if found is None else _named(found, flight)
        if found is None or named is None:
            return False
        return _expect(world, flow, flight, named, found)
    return True


def _named(found: re.Match[bytes], flight: Flight) -> tuple[int, int] | None:
    """The address and port of a command; an answer to EPSV has no address: it is the sender's own."""
    parts = found.groups()
    own = flight.flow.tuple(flight.reply)[2] if flight.flow is not None else 0
    if found.re is _EPSV:
        address, port = own, int(parts[1])
    elif found.re is _EPRT:
        try:
            family, address, _ = parse_address(parts[2].decode())
        except ValueError:
            return None
        if (parts[1] == b"2") is not flight.six or family is not flight.family:
            return None
        port = int(parts[3])
    else:
        numbers = [int(one) for one in parts]
        if max(numbers) > 255:
            return None
        address = int.from_bytes(bytes(numbers[:4]), "big")
        port = numbers[4] << 8 | numbers[5]
    return (address, port) if 0 < port <= 65535 else None


def _expect(world: World, flow: Flow, flight: Flight, named: tuple[int, int], found: re.Match[bytes]) -> bool:
    address, port = named
    there = flow.tuple(not flight.reply)
    if address != flow.tuple(flight.reply)[2]:
        # Somebody names a third party: nobody is let in for that (the module's parameter `loose` is off).
        return True
    made = Expectation(flow, TCP, there[2], there[3], port, seconds=300)
    if not flow.status & NAT_MASK:
        return world.table.expectations.add(made, world.table.now)
    if not expect(world, made, reply=not flight.reply):
        return False
    _rewrite(flight, found, made)
    return True


def _rewrite(flight: Flight, found: re.Match[bytes], made: Expectation) -> None:
    """nf_nat_ftp.c: the command names what the other end has to call."""
    data = flight.payload
    address = made.destination
    if found.re is _EPSV:
        new = b"|||%d|" % made.right
        start, end = found.start(1), found.end()
    elif found.re is _EPRT:
        text = format_address(flight.family, address).encode()
        new = b"|%s|%s|%d|" % (found.group(2), text, made.right)
        start, end = found.start(1), found.end()
    else:
        octets = address.to_bytes(4, "big")
        new = b",".join(b"%d" % one for one in (*octets, made.right >> 8, made.right & 255))
        start, end = found.start(1), found.end(6)
    flight.payload = data[:start] + new + data[end:]
    flight.length += len(flight.payload) - len(data)
