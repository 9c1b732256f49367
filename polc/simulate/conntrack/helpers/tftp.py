"""TFTP: net/netfilter/nf_conntrack_tftp.c, nf_nat_tftp.c."""

from __future__ import annotations

from polc.ir.protocols import UDP
from polc.simulate.conntrack.expect import Expectation
from polc.simulate.conntrack.flow import NAT_MASK, Flow
from polc.simulate.conntrack.helpers.natted import bind_as_master
from polc.simulate.flight import Flight
from polc.simulate.world import World

_READ, _WRITE = b"\0\1", b"\0\2"


def read(world: World, flow: Flow, flight: Flight) -> bool:
    """tftp_help: the server answers a request to read or write from a port of its own."""
    if flight.protocol != UDP or flight.payload[:2] not in (_READ, _WRITE):
        return True
    there = flow.reply
    made = Expectation(flow, UDP, there[2], there[3], there[5], seconds=300)
    if flow.status & NAT_MASK:
        # nf_nat_tftp.c, help: it goes to the port that the client has asked from.
        made.saved_port = flow.original[4]
        bind_as_master(world, made, reply=True)
    return world.table.expectations.add(made, world.table.now)
