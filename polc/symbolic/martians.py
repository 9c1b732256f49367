"""Packets that come in from where none can come: rules see them, and then nobody gets them."""

from __future__ import annotations

from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import AddressType, Side
from polc.symbolic.space import TYPES, Of, Set, Space

_GROUPS = {Family.IP: Intervals(((0xE0000000, 0xEFFFFFFF),)), Family.IP6: Intervals(((0xFF << 120, (1 << 128) - 1),))}
"""RFC 5771; RFC 4291, 2.7."""

_OF_NOBODY = {
    # net/ipv4/route.c, ip_route_input_slow, and net/ipv4/fib_frontend.c, fib_validate_source, where `accept_local` is 0
    # as it is of itself.
    Family.IP: (AddressType.MULTICAST, AddressType.LOCAL),
    # net/ipv6/ip6_input.c, ip6_rcv_core
    Family.IP6: (AddressType.MULTICAST,),
}  # fmt: skip
"""Kinds of addresses that no packet comes in from, but by the loopback interface."""


def martians(space: Space) -> Set:
    """Packets that come in by a link, from a group or from the host itself; asked once all functions are made."""
    manager = space.manager
    own = [0] + ([space.interfaces.place("lo")] if "lo" in space.interfaces.words else [])
    by_link = manager.complement(manager.within(space.variable(Of.IIF).number, Intervals.of((one, one) for one in own)))
    found = [manager.within(space.variable(Of.SADDR).number, _GROUPS[space.family])]
    detail = (Side.SADDR.value, None)
    if space.has(Of.ADDRESS_TYPE, detail):
        kinds = Intervals.of((TYPES.index(one), TYPES.index(one)) for one in _OF_NOBODY[space.family])
        found.append(manager.within(space.variable(Of.ADDRESS_TYPE, detail).number, kinds))
    return manager.where(by_link, manager.first_of(found))
