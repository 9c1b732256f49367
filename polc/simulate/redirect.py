"""Which address of its own a host redirects to (net/netfilter/nf_nat_redirect.c)."""

from __future__ import annotations

from polc.ir.addresses import is_link_local
from polc.ir.family import Family
from polc.ir.ruleset import Hook
from polc.simulate.flight import Flight
from polc.simulate.host import Routing
from polc.simulate.rfc6724 import scope

_LOOPBACK_IP, _LOOPBACK_IP6 = 0x7F000001, 1
_MAPPED = 0xFFFF
_SITE = 0xFEC0 >> 6
_GROUPS = {1: "loopback", 2: "link", 5: "site"}


def redirected(flight: Flight, routing: Routing) -> int | None:
    """The loopback address in output, elsewhere one of the interface where the packet came in. None: it has none."""
    if flight.hook is Hook.OUTPUT:
        return _LOOPBACK_IP6 if flight.six else _LOOPBACK_IP
    if not flight.six:
        return routing.source(flight.family, flight.iif)
    asked = _reach(flight.daddr)
    # Wider scopes stand first, and of one scope what came last (net/ipv6/addrconf.c, ipv6_link_dev_addr).
    own = [one.address for one in routing.interface(flight.iif).addresses if one.family is Family.IP6]
    for address in sorted(own, key=scope)[::-1]:
        if address >> 32 != _MAPPED and asked in ("", _reach(address)):
            return address
    return None


def _reach(address: int) -> str:
    """How far an address reaches, where that is less than everywhere (net/ipv6/addrconf_core.c, __ipv6_addr_type)."""
    if address >> 120 == 0xFF:
        return _GROUPS.get(address >> 112 & 0xF, "")
    if is_link_local(address):
        return "link"
    if address >> 118 == _SITE:
        return "site"
    if address == _LOOPBACK_IP6:
        return "loopback"
    return "compatible with IPv4" if address and not address >> 32 else ""
