"""What statements ask of a packet, and how the transport protocol in it all comes together to one service."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from polc.ir.family import BOTH, Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import ElementMatch, IcmpTerm, Match, PortTerm, ServiceMatch, ServiceTerm
from polc.ir.protocols import ICMP_FAMILY, PORT_PROTOCOLS
from polc.ir.selectors import Transport as TransportPart
from polc.ir.services import normalise

_MOST_TERMS = 1024
_MOST_PROTOCOLS = 16
_PROTOCOLS = (0, 255)


def both(one: Intervals | None, other: Intervals | None) -> Intervals | None:
    """What is in both; None is everything."""
    if one is None or other is None:
        return other if one is None else one
    if len(one.ranges) == 1 and one == other:
        return one
    pairs = []
    for low, high in one.ranges:
        for other_low, other_high in other.ranges:
            if max(low, other_low) <= min(high, other_high):
                pairs.append((max(low, other_low), min(high, other_high)))
    return Intervals.of(pairs)


@dataclass(frozen=True, slots=True)
class Transport:
    """What a packet's transport header has to be; None is anything. ``types`` and ``codes`` are those of ICMP."""

    protocols: Intervals | None = None
    sport: Intervals | None = None
    dport: Intervals | None = None
    types: Intervals | None = None
    codes: Intervals | None = None

    @classmethod
    def of(cls, protocol: int) -> Transport:
        return cls(Intervals.single(protocol))

    def meet(self, other: Transport) -> Transport:
        if self == ANY:
            return other
        return Transport(
            both(self.protocols, other.protocols),
            both(self.sport, other.sport),
            both(self.dport, other.dport),
            both(self.types, other.types),
            both(self.codes, other.codes),
        )

    @property
    def impossible(self) -> bool:
        parts = (self.protocols, self.sport, self.dport, self.types, self.codes)
        return any(one is not None and not one for one in parts)

    def among(self, protocols: frozenset[int]) -> bool:
        """Whether the protocol can only be one of these."""
        if self.protocols is None:
            return False
        return all(number in protocols for low, high in self.protocols.ranges for number in range(low, high + 1))

    @property
    def only(self) -> int | None:
        """The protocol, where there is one alone."""
        match self.protocols:
            case Intervals(((low, high),)) if low == high:
                return low
            case _:
                return None


ANY = Transport()

FLOW_PORTS = (Field.CT_ORIGINAL_SPORT, Field.CT_ORIGINAL_DPORT, Field.CT_REPLY_SPORT, Field.CT_REPLY_DPORT)
"""Ports of a flow, which nft knows in a rule that names the transport protocol."""


class Condition(Enum):
    """What else a rule has to ask for, so that a demand means what it says: ports of a protocol that has them, TCP, or
    a type beside a code of ICMP. Elsewhere the statement stays in nft's words.
    """

    PORTS = "ports"
    TCP = "tcp"
    TYPES = "types"


@dataclass(frozen=True, slots=True)
class Demand:
    """What a statement asks: ``matches`` and ``transport`` of packets of ``families``.

    ``words`` is the statement itself, for where ``condition`` does not hold. ``near`` says what is not quite
    the same, a sentence each. ``elsewhere`` are the matches that say it of packets of other
    families: nft asks for the family of ICMP only where the rule has not done so before.
    """

    matches: tuple[Match, ...] = ()
    families: frozenset[Family] = BOTH
    transport: Transport = ANY
    condition: Condition | None = None
    words: str = ""
    near: tuple[str, ...] = ()
    elsewhere: tuple[Match, ...] = ()

    def met_by(self, transport: Transport, *, tcp: bool) -> bool:
        """Whether the condition holds beside what a rule asks of the transport header otherwise."""
        match self.condition:
            case None:
                return True
            case Condition.PORTS:
                return transport.among(PORT_PROTOCOLS)
            case Condition.TCP:
                return tcp or transport.only == 6
            case Condition.TYPES:
                return transport.types is not None

    def beside(self, other: Demand) -> Demand:
        """Both, of which at most one has a condition."""
        return replace(
            self,
            matches=(*self.matches, *other.matches),
            families=self.families & other.families,
            transport=self.transport.meet(other.transport),
            condition=self.condition or other.condition,
            words=self.words or other.words,
            near=(*self.near, *other.near),
        )


NOTHING = Demand()


def service(transport: Transport, families: frozenset[Family]) -> Match | None:
    """The match that a transport header, of which something is asked, comes to; None: nothing is.

    ``families`` are the rule's. A transport with ports has protocols that have them, one with codes has types.
    """
    if transport.types is not None:
        protocol = transport.only
        assert protocol is not None
        return _icmp(protocol, transport.types, transport.codes)
    if transport.protocols is None:
        return None
    if transport.sport is not None or transport.dport is not None:
        return normalise(PortTerm(one, transport.sport, transport.dport) for one in _numbers(transport.protocols))
    if transport.protocols.ranges == (_PROTOCOLS,):
        return None
    if sum(high - low + 1 for low, high in transport.protocols.ranges) > _MOST_PROTOCOLS:
        others = transport.protocols.complement(*_PROTOCOLS)
        return ElementMatch((TransportPart.PROTOCOL,), ((others,),), negated=True)
    numbers = _numbers(transport.protocols)
    # ICMP is a service of its own family alone; in the header of the other it is a number like any.
    if any(families != {ICMP_FAMILY[one]} for one in numbers if one in ICMP_FAMILY):
        return ElementMatch((TransportPart.PROTOCOL,), ((transport.protocols,),))
    return normalise(PortTerm(one) for one in numbers)


def fits(transport: Transport) -> bool:
    """Whether the types and codes are few enough to be named one by one."""
    return transport.types is None or _count(transport.types) * _count(transport.codes) <= _MOST_TERMS


def _count(values: Intervals | None) -> int:
    return 1 if values is None else sum(high - low + 1 for low, high in values.ranges)


def _icmp(protocol: int, types: Intervals, codes: Intervals | None) -> ServiceMatch:
    terms: list[ServiceTerm] = [
        IcmpTerm(protocol, number, code)
        for number in _numbers(types)
        for code in ([None] if codes is None else _numbers(codes))
    ]
    return normalise(terms)


def _numbers(values: Intervals) -> list[int]:
    return [number for low, high in values.ranges for number in range(low, high + 1)]
