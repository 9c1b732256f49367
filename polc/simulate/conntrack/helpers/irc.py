"""IRC's DCC: net/netfilter/nf_conntrack_irc.c, nf_nat_irc.c. Of IPv4 alone."""

from __future__ import annotations

import re

from polc.ir.protocols import TCP
from polc.simulate.conntrack.expect import Expectation
from polc.simulate.conntrack.flow import NAT_MASK, Flow
from polc.simulate.conntrack.helpers.natted import expect
from polc.simulate.flight import ESTABLISHED, Flight
from polc.simulate.world import World

_DCC = re.compile(
    rb"[ \r\n]*PRIVMSG .*? :\x01DCC (?:SEND |CHAT |MOVE |TSEND |SCHAT )[^ \n]* (\d{1,10}) +(\d{1,5})[^\n]*\n",
    re.IGNORECASE | re.DOTALL,
)
_MOST_CHANNELS = 8


def read(world: World, flow: Flow, flight: Flight) -> bool:
    """help: anybody may call the port that a client offers; an address that is not its own is forged."""
    if flight.reply or flight.state != ESTABLISHED or flight.protocol != TCP or flight.six:
        return True
    found = _DCC.match(flight.payload[:4095])
    if found is None:
        return True
    address, port = int(found.group(1)), int(found.group(2))
    if address not in (flow.original[2], flow.reply[3]) or not 0 < port <= 65535:
        return True
    made = Expectation(flow, TCP, None, flow.reply[3], port, limit=_MOST_CHANNELS, seconds=300)
    if not flow.status & NAT_MASK:
        return world.table.expectations.add(made, world.table.now)
    if not expect(world, made, reply=True):
        return False
    data = flight.payload
    flight.payload = data[: found.start(1)] + b"%d %d" % (made.destination, made.right) + data[found.end(2) :]
    flight.length += len(flight.payload) - len(data)
    return True
