"""Which address of its own a host redirects to (net/netfilter/nf_nat_redirect.c)."""

from __future__ import annotations

from polc.ir.family import Family
from polc.ir.ruleset import Hook
from polc.simulate.flight import Flight
from polc.simulate.host import Routing
from polc.simulate.rfc6724 import scope
from polc.simulate.special import LOOPBACK_IP, LOOPBACK_IP6, is_mapped

_REACHES = {1: "loopback", 2: "link", 5: "site"}


def redirected(flight: Flight, routing: Routing) -> int | None:
    """The loopback address in output, elsewhere one of the interface where the packet came in. None: it has none."""
    if flight.hook is Hook.OUTPUT:
        return LOOPBACK_IP6 if flight.six else LOOPBACK_IP
    if not flight.six:
        return routing.source(flight.family, flight.iif)
    asked = _reach(flight.daddr)
    # Wider scopes stand first, and of one scope what came last (net/ipv6/addrconf.c, ipv6_link_dev_addr).
    own = [one.address for one in routing.interface(flight.iif).addresses if one.family is Family.IP6]
    for address in sorted(own, key=scope)[::-1]:
        if not is_mapped(address) and asked in ("", _reach(address)):
            return address
    return None


def _reach(address: int) -> str:
    """How far an address reaches, where that is less than everywhere (net/ipv6/addrconf_core.c, __ipv6_addr_type)."""
    if address == LOOPBACK_IP6:
        return "loopback"
    if address and not address >> 32:
        return "compatible with IPv4"
    return _REACHES.get(scope(address), "")
