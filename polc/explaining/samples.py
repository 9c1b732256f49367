"""Packets about a rule: one that it decides, and ones that just miss it. Each is tried in the simulator.

A packet is put together from what the rule's matches ask for; where several values would do the first is taken, and for
a near miss the nearest one that would not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    STATEFUL,
    AddressMatch,
    CtState,
    CtStateMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    IcmpTerm,
    InterfaceMatch,
    Match,
    PortTerm,
    ServiceMatch,
    Side,
    Trait,
    TraitMatch,
)
from polc.ir.protocols import ICMP_FAMILY, PORT_PROTOCOLS, SCTP, TCP
from polc.ir.ruleset import BaseChain, Hook, Rule, Ruleset
from polc.ir.selectors import Direction
from polc.ir.stateful import Connections, Hits, Limit
from polc.simulate.engine import Simulator
from polc.simulate.host import Host
from polc.simulate.packet import ACK, SYN, Packet, Presumed
from polc.simulate.trace import Tried
from polc.source import Span

_MOST_TRIES = 64
_FAR = {Family.IP: 0xC6336409, Family.IP6: 0x20010DB8 << 96 | 0x9 << 64 | 9}
_OTHER = {Family.IP: 0xCB007163, Family.IP6: 0x20010DB8 << 96 | 0x113 << 64 | 0x63}
"""198.51.100.9 and 203.0.113.99, and their like (RFC 5737, RFC 3849)."""
_STATES = (CtState.NEW, CtState.ESTABLISHED, CtState.RELATED, CtState.INVALID, CtState.UNTRACKED)


@dataclass(frozen=True, slots=True)
class Sample:
    """``times``: how often in a row it is sent; the last one counts. ``why``: of a miss, what it has instead."""

    packet: Packet
    times: int = 1
    why: str = ""


def decided(ruleset: Ruleset, host: Host, span: Span, rules: Sequence[tuple[BaseChain, Rule]]) -> Sample | None:
    """A packet that meets what was written at ``span``; None: none of those tried does."""
    for base, rule in rules:
        for family in sorted(rule.families, key=lambda one: one.value):
            made = _made(base, rule, family, host)
            if made is not None and _tried(ruleset, host, made, span) is True:
                return made
    return None


def missed(ruleset: Ruleset, host: Host, span: Span, sample: Sample, rule: Rule) -> Iterator[Sample]:
    """Packets that come to the rule as ``sample`` does, but for one thing, and do not meet it."""
    for match in rule.matches:
        for change in _misses(match, sample.packet):
            other = replace(sample, packet=change(sample.packet))
            why = _tried(ruleset, host, other, span)
            if isinstance(why, str):
                yield replace(other, why=why)
                break
    if sample.times > 1:
        fewer = replace(sample, times=sample.times - 1)
        why = _tried(ruleset, host, fewer, span)
        if isinstance(why, str):
            yield replace(fewer, why=why)


def around(base: BaseChain, rule: Rule, host: Host) -> Iterator[Packet]:
    """Packets of each family that meet the rule's matches, as far as it is known how, and ones that just miss one of
    them; whatever comes before the rule. A limit is met by as many as it takes, up to a bound.
    """
    for family in sorted(rule.families, key=lambda one: one.value):
        packet = _at_hook(base.hook, family, host)
        times = 1
        for match in _by_header(rule.matches):
            if isinstance(match, STATEFUL):
                times = max(times, _times(match))
            else:
                packet = _fit(match, packet) or packet
        packet = _in_session(packet)
        yield from (packet for _ in range(min(times, _MOST_TRIES)))
        yield from (change(packet) for match in rule.matches for change in _misses(match, packet))


def _tried(ruleset: Ruleset, host: Host, sample: Sample, span: Span) -> bool | str:
    """True: the last packet met a rule from ``span``; a text: it came to such rules alone, and why it met none; False:
    it did not come there.
    """
    simulator = Simulator((ruleset,), host)
    for _ in range(sample.times - 1):
        simulator.send(sample.packet)
    tracer = simulator.tracer()
    simulator.send(sample.packet, tracer)
    tried = [one for one in tracer.events if isinstance(one, Tried) and one.rule.origin.span == span]
    if any(one.missed is None for one in tried):
        return True
    reasons = [
        f"{one.missed.field} is {one.missed.seen or 'otherwise'}, and not {one.missed.wanted}"
        for one in tried
        if one.missed is not None
    ]
    return reasons[-1] if reasons else False


def _made(base: BaseChain, rule: Rule, family: Family, host: Host) -> Sample | None:
    packet = _at_hook(base.hook, family, host)
    times = 1
    for match in _by_header(rule.matches):
        if isinstance(match, STATEFUL):
            times = max(times, _times(match))
            continue
        fitted = _fit(match, packet)
        if fitted is None:
            return None
        packet = fitted
    return Sample(_in_session(packet), times) if times <= _MOST_TRIES else None


def _by_header(matches: Sequence[Match]) -> list[Match]:
    """The protocol first: what else is asked for may be a part of its header."""
    return sorted(matches, key=lambda one: not isinstance(one, ServiceMatch))


def _in_session(packet: Packet) -> Packet:
    """No packet of an open session is a SYN."""
    established = packet.presumed is not None and packet.presumed.state is CtState.ESTABLISHED
    if packet.protocol == TCP and packet.flags == SYN and established:
        return replace(packet, flags=ACK)
    return packet


def _at_hook(hook: Hook, family: Family, host: Host) -> Packet:
    names = [one.name for one in host.interfaces if one.name != "lo"] or ["eth0"]
    first, last = names[0], names[-1]
    own = next((at for one in host.interfaces if one.name == first and (at := one.address(family)) is not None), 1)
    packet = Packet(family, TCP, _FAR[family], own, 40000, 9, iif=first, flags=SYN)
    match hook:
        case Hook.FORWARD | Hook.POSTROUTING:
            return replace(packet, daddr=_OTHER[family], oif=last)
        case Hook.OUTPUT:
            return replace(packet, saddr=own, daddr=_FAR[family], iif="", oif=first)
        case _:
            return packet


def _times(match: Match) -> int:
    match match:
        case Limit(burst=burst, over=over):
            return burst + 1 if over else 1
        case Hits(count=count):
            return count
        case Connections(count=count, over=over):
            return count + 1 if over else 1
        case _:
            return 1


def _fit(match: Match, packet: Packet) -> Packet | None:
    """The packet changed so that the match holds; None: not known how."""
    match match:
        case InterfaceMatch(direction, patterns, negated):
            name = "polc0" if negated else patterns[0].name + ("0" if patterns[0].wildcard else "")
            return _with_interface(packet, direction, name)
        case AddressMatch(side, addresses, negated):
            values = addresses.of_family(packet.family)
            inside = values.complement(0, (1 << packet.family.bits) - 1) if negated else values
            current = packet.saddr if side is Side.SADDR else packet.daddr
            if current in inside:
                return packet
            return _with_address(packet, side, inside.ranges[-1][0]) if inside else None
        case ServiceMatch(terms):
            term = next((one for one in terms if _suits(one.protocol, packet)), None)
            return None if term is None else _with_term(packet, term)
        case CtStateMatch(states):
            state = next((one for one in _STATES if one in states), None)
            return None if state is None else _with_state(packet, state)
        case FieldMatch(field, values, mask, negated):
            return _with_field(packet, field, values, mask, negated)
        case FlagsMatch(FlagField.TCP_FLAGS, mask, value, negated):
            if not negated:
                return replace(packet, protocol=TCP, flags=value)
            return replace(packet, protocol=TCP, flags=mask & ~value or mask)
        case FlagsMatch(FlagField.CT_STATUS, mask, value, negated):
            status = (mask & ~value or mask) if negated else value
            state = packet.presumed.state if packet.presumed else CtState.ESTABLISHED
            return replace(packet, presumed=Presumed(state, status))
        case TraitMatch(Trait.FRAGMENT, negated):
            return replace(packet, fragment=not negated, sport=None, dport=None) if not negated else packet
        case TraitMatch(negated=True):
            return packet
        case _:
            return None


def _misses(match: Match, packet: Packet) -> Iterator[Callable[[Packet], Packet]]:
    """Changes of the packet after which the match should not hold, the smallest first."""
    match match:
        case InterfaceMatch(direction, patterns, negated):
            name = patterns[0].name if negated else "polc1"
            yield lambda one: _with_interface(one, direction, name)
        case AddressMatch(side, addresses, negated):
            values = addresses.of_family(packet.family)
            outside = values if negated else values.complement(0, (1 << packet.family.bits) - 1)
            current = packet.saddr if side is Side.SADDR else packet.daddr
            for near in _nearest(outside, current):
                yield lambda one, near=near: _with_address(one, side, near)  # type: ignore[misc]
        case ServiceMatch(terms):
            dport = packet.dport
            if dport is not None:
                for port in (dport + 1, dport - 1, 1, 65535):
                    if not any(isinstance(one, PortTerm) and (one.dport is None or port in one.dport) for one in terms):
                        yield lambda one, port=port: replace(one, dport=port % 65536)  # type: ignore[misc]
            other = PortTerm(TCP if packet.protocol == SCTP else SCTP)
            yield lambda one: _with_term(one, other)
        case CtStateMatch(states):
            for state in _STATES:
                if state not in states:
                    yield lambda one, state=state: _with_state(one, state)  # type: ignore[misc]
        case FieldMatch(field, values, mask, negated):
            found = _with_field(packet, field, values, mask, not negated)
            if found is not None:
                yield lambda one: found
        case FlagsMatch(FlagField.TCP_FLAGS, mask, value, negated):
            yield lambda one: replace(one, flags=value if negated else mask & ~value or mask)
        case _:
            return


def _nearest(outside: Intervals, current: int) -> list[int]:
    edges = [edge for low, high in outside.ranges for edge in (low, high)]
    return sorted(edges, key=lambda edge: abs(edge - current))[:4]


def _suits(protocol: int, packet: Packet) -> bool:
    return ICMP_FAMILY.get(protocol, packet.family) is packet.family


def _with_interface(packet: Packet, direction: Direction, name: str) -> Packet:
    if direction is Direction.IN:
        return replace(packet, iif=name)
    return replace(packet, oif=name)


def _with_address(packet: Packet, side: Side, address: int) -> Packet:
    return replace(packet, saddr=address) if side is Side.SADDR else replace(packet, daddr=address)


def _with_term(packet: Packet, term: PortTerm | IcmpTerm) -> Packet:
    match term:
        case IcmpTerm(protocol, type, code):
            return replace(packet, protocol=protocol, type=type, code=code or 0, sport=None, dport=None, flags=0)
        case PortTerm(protocol, sport, dport):
            if protocol not in PORT_PROTOCOLS:
                return replace(packet, protocol=protocol, sport=None, dport=None, flags=0)
            return replace(
                packet,
                protocol=protocol,
                sport=sport.ranges[0][0] if sport else packet.sport or 40000,
                dport=dport.ranges[0][0] if dport else packet.dport or 9,
                flags=(packet.flags or SYN) if protocol == TCP else 0,
            )


def _with_state(packet: Packet, state: CtState) -> Packet:
    if state is CtState.NEW:
        return replace(packet, presumed=None)
    return replace(packet, presumed=Presumed(state))


_ATTRIBUTES: dict[Field, str] = {
    Field.TTL: "ttl",
    Field.HOPLIMIT: "ttl",
    Field.IP_DSCP: "dscp",
    Field.IP6_DSCP: "dscp",
    Field.IP_ECN: "ecn",
    Field.IP6_ECN: "ecn",
    Field.META_LENGTH: "length",
    Field.IP_LENGTH: "length",
    Field.META_MARK: "mark",
    Field.META_SKUID: "uid",
    Field.META_SKGID: "gid",
    Field.META_CGROUP: "cgroup",
    Field.META_PKTTYPE: "pkttype",
    Field.ETHER_SADDR: "mac",
    Field.TCP_MSS: "mss",
}


def _with_field(packet: Packet, field: Field, values: Intervals, mask: int | None, negated: bool) -> Packet | None:
    name = _ATTRIBUTES.get(field)
    if name is None:
        return None
    if not negated:
        value = values.ranges[0][0]
    else:
        outside = values.complement(0, mask if mask is not None else 63 if "dscp" in name else 255)
        if not outside:
            return None
        value = outside.ranges[0][0]
    changes: dict[str, int] = {name: value}
    return replace(packet, **changes)  # type: ignore[arg-type]
