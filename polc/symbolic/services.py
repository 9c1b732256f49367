"""The class of tc that IPv4's type of service gives to a packet which is forwarded."""

from __future__ import annotations

from collections.abc import Iterator

from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import Intervals
from polc.symbolic.space import Set, Space

_CLASSES = (0, 2, 6, 4)
"""net/ipv4/route.c, ip_tos2prio, by the second and the third of the lowest bits of the DSCP (net/ipv4/ip_forward.c,
where `ip_forward_update_priority` is 1 as it is of itself).
"""


def of_services(space: Space) -> Iterator[tuple[int, Set]]:
    """Each class, and the packets that get it."""
    dscp = space.field(Field.IP_DSCP)
    for at, value in enumerate(_CLASSES):
        own = (one for one in range(FIELDS[Field.IP_DSCP].highest + 1) if one >> 1 & 3 == at)
        yield value, space.manager.within(dscp.number, Intervals.of((one, one) for one in own))
