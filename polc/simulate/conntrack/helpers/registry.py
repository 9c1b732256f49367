"""The helpers that are known here."""

from __future__ import annotations

from collections.abc import Callable

from polc.simulate.conntrack.flow import Flow
from polc.simulate.conntrack.helpers import ftp, irc, pptp, sip, tftp
from polc.simulate.flight import Flight
from polc.simulate.unknown import OnlyKernelKnows
from polc.simulate.world import World

HELPERS: dict[str, Callable[[World, Flow, Flight], bool]] = {
    "ftp": ftp.read,
    "irc": irc.read,
    "pptp": pptp.read,
    "sip": sip.read,
    "tftp": tftp.read,
}


def read(world: World, flow: Flow, flight: Flight) -> bool:
    """Have the flow's helper read a packet; False: it drops the packet.

    Raises:
        OnlyKernelKnows: it is a helper of which nothing is known here.
    """
    helper = HELPERS.get(flow.helper)
    if helper is None:
        raise OnlyKernelKnows(f"what the helper `{flow.helper}` reads in the packet")
    return helper(world, flow, flight)
