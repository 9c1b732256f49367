"""Service terms beside each other: whether packets of one are packets of the other."""

from __future__ import annotations

from polc.ir.intervals import Intervals
from polc.ir.matches import IcmpTerm, PortTerm, ServiceTerm
from polc.ir.protocols import PROTOCOL_NAMES


def meets(one: ServiceTerm, other: ServiceTerm) -> bool:
    """Whether some packet is of both terms."""
    if one.protocol != other.protocol:
        return False
    if isinstance(one, PortTerm) and isinstance(other, PortTerm):
        return _overlap(one.dport, other.dport) and _overlap(one.sport, other.sport)
    if isinstance(one, IcmpTerm) and isinstance(other, IcmpTerm):
        return one.type == other.type and (one.code is None or other.code in (None, one.code))
    return True


def covers(one: ServiceTerm, other: ServiceTerm) -> bool:
    """Whether every packet of ``other`` is one of ``one``."""
    if one.protocol != other.protocol:
        return False
    if isinstance(one, PortTerm) and isinstance(other, PortTerm):
        return _holds(one.dport, other.dport) and _holds(one.sport, other.sport)
    if isinstance(one, IcmpTerm) and isinstance(other, IcmpTerm):
        return one.type == other.type and one.code in (None, other.code)
    return isinstance(one, PortTerm)


def shown(term: ServiceTerm) -> str:
    """As a rule names it: ``tcp/22``, ``udp``, ``icmp/8``; source ports are left out."""
    name = PROTOCOL_NAMES.get(term.protocol, f"proto {term.protocol}")
    if isinstance(term, IcmpTerm):
        return f"{name}/{term.type}"
    if term.dport is None:
        return name
    return f"{name}/{','.join(str(low) if low == high else f'{low}-{high}' for low, high in term.dport.ranges)}"


def _overlap(one: Intervals | None, other: Intervals | None) -> bool:
    if one is None or other is None:
        return True
    return any(low <= last and first <= high for low, high in one.ranges for first, last in other.ranges)


def _holds(one: Intervals | None, other: Intervals | None) -> bool:
    if one is None:
        return True
    return other is not None and all(one.covers(low, high) for low, high in other.ranges)
