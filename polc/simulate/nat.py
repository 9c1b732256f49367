"""Network address translation (net/netfilter/nf_nat_core.c, nf_nat_proto.c).

What the kernel draws by chance, a port where the packet's own is taken or `random` is asked for, is drawn here from
the simulator's seed: which one it is, nobody can say beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from polc.ir.intervals import Intervals
from polc.ir.protocols import ICMP, ICMPV6, TCP, TRACKED_PORTS
from polc.ir.ruleset import Hook
from polc.ir.verdicts import Nat, NatKind, NatMap, NatTarget
from polc.simulate.conntrack.flow import (
    CONFIRMED,
    DNAT,
    DNAT_DONE,
    DYING,
    FIXED_TIMEOUT,
    NAT_MASK,
    SNAT,
    SNAT_DONE,
    Flow,
    FlowTuple,
    inverted,
)
from polc.simulate.conntrack.table import Table
from polc.simulate.conntrack.tcp import SYN_SENT, TIME_WAIT, Tcp
from polc.simulate.flight import Flight
from polc.simulate.jhash import jhash2
from polc.simulate.packet import GRE
from polc.simulate.redirect import redirected
from polc.simulate.world import World

_ATTEMPTS = 128
_HARDER = _ATTEMPTS // 4
_ICMPS = (ICMP, ICMPV6)
SOURCE_HOOKS = frozenset({Hook.POSTROUTING, Hook.INPUT})
"""HOOK2MANIP: where NAT changes the source; elsewhere it changes the destination."""

_ICMP_REDIRECT, _ICMPV6_REDIRECT = 5, 137
_GRE_WANTED = 8


@dataclass(frozen=True, slots=True)
class Range:
    """struct nf_nat_range2: ``addresses`` and ``ports`` None are left as they are. ``random`` is either of nft's
    ``random`` and ``fully-random``.
    """

    addresses: tuple[int, int] | None = None
    ports: tuple[int, int] | None = None
    random: bool = False
    persistent: bool = False


def _edges(values: Intervals | None) -> tuple[int, int] | None:
    return values.ranges[0] if values else None


def range_of(verdict: Nat | NatMap, target: NatTarget | None, flight: Flight, world: World) -> Range | None:
    """What a rule maps a packet's flow to; None: it has no address for it, and the packet is dropped."""
    addresses = verdict.addresses if isinstance(verdict, Nat) else target.addresses if target else None
    ports = verdict.ports if isinstance(verdict, Nat) else target.ports if target else None
    random = verdict.random or (isinstance(verdict, Nat) and verdict.fully_random)
    given, between = _edges(addresses), _edges(ports)
    family = flight.family
    match verdict.kind:
        case NatKind.SNAT | NatKind.DNAT:
            return Range(given, between, random, verdict.persistent)
        case NatKind.MASQUERADE:
            own = world.routing.source_outside(family, flight.oif, flight.daddr)
            return None if own is None else Range((own, own), between, random)
        case NatKind.REDIRECT:
            own = redirected(flight, world.routing)
            return None if own is None else Range((own, own), between, random)
        case NatKind.NETMAP_SOURCE | NatKind.NETMAP_DESTINATION:
            assert given is not None
            hosts = given[1] - given[0]
            had = flight.saddr if verdict.kind is NatKind.NETMAP_SOURCE else flight.daddr
            new = given[0] | had & hosts
            return Range((new, new), between, random, verdict.persistent)


def is_redirect(flight: Flight) -> bool:
    """Whether it names another router: hosts that heed it go past NAT, so that it is dropped where a flow is changed
    (net/netfilter/nf_nat_proto.c, nf_nat_icmp_reply_translation).
    """
    return flight.type == (_ICMPV6_REDIRECT if flight.six else _ICMP_REDIRECT)


def is_source(verdict: Nat | NatMap) -> bool:
    """Whether the verdict is about the source."""
    return verdict.kind in (NatKind.SNAT, NatKind.MASQUERADE, NatKind.NETMAP_SOURCE)


def setup(world: World, flow: Flow, wanted: Range, *, source: bool) -> bool:
    """nf_nat_setup_info: binds a flow that is not confirmed; False: the packet is dropped."""
    if flow.status & CONFIRMED:
        return True
    done = SNAT_DONE if source else DNAT_DONE
    if flow.status & done:
        return False
    current = inverted(flow.reply)
    new = _unique(world, current, wanted, flow, source=source)
    if new != current:
        flow.reply = inverted(new)
        flow.status |= SNAT if source else DNAT
    if source:
        world.table.note_source(flow)
    flow.status |= done
    return True


def bind_nothing(world: World, flow: Flow, *, source: bool) -> bool:
    """nf_nat_alloc_null_binding: addresses stay; a source port that is taken does not."""
    own = flow.reply[3] if source else flow.reply[2]
    return setup(world, flow, Range((own, own)), source=source)


def _unique(world: World, had: FlowTuple, wanted: Range, flow: Flow, *, source: bool) -> FlowTuple:
    """get_unique_tuple."""
    table = world.table
    if source and not wanted.random:
        if _in_range(had, wanted):
            if not table.is_taken(inverted(had), flow):
                return had
        else:
            known = _known_source(table, had, wanted, flow)
            if known is not None and not table.is_taken(inverted(known), flow):
                return known
    new = _best_address(had, wanted, flow, source=source)
    if not wanted.random:
        if wanted.ports is not None:
            fixed = wanted.ports[0] == wanted.ports[1]
            if _port_in_range(new, wanted, source=source) and (fixed or not table.is_taken(inverted(new), flow)):
                return new
        elif not table.is_taken(inverted(new), flow):
            return new
    return _unique_port(world, new, wanted, flow, source=source)


def _in_range(of: FlowTuple, wanted: Range) -> bool:
    """nf_in_range."""
    if wanted.addresses is not None and not wanted.addresses[0] <= of[2] <= wanted.addresses[1]:
        return False
    return wanted.ports is None or _port_in_range(of, wanted, source=True)


def _port_in_range(of: FlowTuple, wanted: Range, *, source: bool) -> bool:
    """l4proto_in_range."""
    assert wanted.ports is not None
    protocol = of[1]
    if protocol in _ICMPS:
        value = of[4]
    elif protocol in TRACKED_PORTS or protocol == GRE:
        value = of[4] if source else of[5]
    else:
        return True
    return wanted.ports[0] <= value <= wanted.ports[1]


def _known_source(table: Table, had: FlowTuple, wanted: Range, flow: Flow) -> FlowTuple | None:
    """find_appropriate_src: the mapping that another flow of the same source has."""
    six, protocol, source, destination, left, right = had
    for other in table.by_source.get((six, protocol, source, left), ()):
        if other.zone_of(False) != flow.zone_of(False) or other.status & DYING:
            continue
        mapped = inverted(other.reply)
        made = (six, protocol, mapped[2], destination, mapped[4], right)
        if _in_range(made, wanted):
            return made
    return None


def _best_address(had: FlowTuple, wanted: Range, flow: Flow, *, source: bool) -> FlowTuple:
    """find_best_ips_proto: of several addresses, the one that a hash of both ends says, on a little-endian host."""
    if wanted.addresses is None:
        return had
    low, high = wanted.addresses
    new = low
    if low != high:
        new = _hashed_address(had, low, high, flow.zone, persistent=wanted.persistent, source=source)
    six, protocol, saddr, daddr, left, right = had
    return (six, protocol, new, daddr, left, right) if source else (six, protocol, saddr, new, left, right)


def _hashed_address(had: FlowTuple, low: int, high: int, zone: int, *, persistent: bool, source: bool) -> int:
    words = 4 if had[0] else 1
    saddr, daddr = _raw_words(had[2], words), _raw_words(had[3], words)
    lows, highs = _native_words(low, words), _native_words(high, words)
    number = jhash2([*saddr, *[0] * (4 - words)], 0 if persistent else daddr[-1] ^ zone)
    made, full = 0, False
    for at in range(words):
        minimum, distance = (0, 0xFFFFFFFF) if full else (lows[at], (highs[at] - lows[at] + 1) & 0xFFFFFFFF)
        word = (minimum + (number * distance >> 32)) & 0xFFFFFFFF
        full |= word != highs[at]
        made = made << 32 | word
        if not persistent:
            # Of a destination that is changed, the word that has just been put in.
            number ^= daddr[at] if source else _raw_words(word, 1)[0]
    return made


def _native_words(address: int, count: int) -> list[int]:
    return [address >> 32 * (count - 1 - at) & 0xFFFFFFFF for at in range(count)]


def _raw_words(address: int, count: int) -> list[int]:
    """The words as a little-endian host reads them from the wire."""
    return [int.from_bytes(one.to_bytes(4, "big"), "little") for one in _native_words(address, count)]


def _unique_port(world: World, had: FlowTuple, wanted: Range, flow: Flow, *, source: bool) -> FlowTuple:
    """nf_nat_l4proto_unique_tuple: a port or identifier that is free, from a range that its old value tells."""
    protocol = had[1]
    if protocol in _ICMPS:
        low, size = (0, 65536) if wanted.ports is None else (wanted.ports[0], wanted.ports[1] - wanted.ports[0] + 1)
        source = True
    elif protocol == GRE:
        if flow.master is None:
            return had
        low, size = (1, 65535) if wanted.ports is None else (wanted.ports[0], wanted.ports[1] - wanted.ports[0] + 1)
    elif protocol in TRACKED_PORTS:
        if wanted.ports is not None:
            low, size = wanted.ports[0], wanted.ports[1] - wanted.ports[0] + 1
        elif not source:
            return had
        else:
            port = had[4]
            low, size = (1, 511) if port < 512 else (600, 424) if port < 1024 else (1024, 64512)
    else:
        return had
    draw = world.random.randrange
    offset = draw(65536) if wanted.random or source else 0
    attempts = min(size, _ATTEMPTS)
    while True:
        for tried in range(attempts):
            value = low + (offset + tried) % 65536 % size
            made = _with_port(had, value, source=source)
            if not _is_taken_harder(world.table, made, flow, attempts - tried):
                return made
        if attempts >= size or attempts < 16:
            return made
        attempts //= 2
        offset = draw(65536)


def _with_port(of: FlowTuple, value: int, *, source: bool) -> FlowTuple:
    six, protocol, saddr, daddr, left, right = of
    return (six, protocol, saddr, daddr, value, right) if source else (six, protocol, saddr, daddr, left, value)


def _is_taken_harder(table: Table, of: FlowTuple, flow: Flow, left: int) -> bool:
    """nf_nat_used_tuple_harder: towards the end a flow that is over makes place."""
    reply = inverted(of)
    own = flow.proto
    if left > _HARDER or of[1] != TCP or not isinstance(own, Tcp) or own.state != SYN_SENT:
        return table.is_taken(reply, flow)
    found = table.find(reply, flow.zone_of(True))
    if found is None:
        return False
    other, is_reply = found
    evictable = (
        is_reply
        and isinstance(other.proto, Tcp)
        and other.proto.state >= TIME_WAIT
        and not other.status & (FIXED_TIMEOUT | DYING)
        and other.status & SNAT
        and 0 < (own.seen[0].end - other.proto.seen[0].end) & 0xFFFFFFFF < 0x80000000
    )
    return not (evictable and table.kill(other))


def rewrite(flight: Flight, *, source: bool) -> bool:
    """nf_nat_packet: changes the packet as its flow is bound; whether that was anything."""
    flow = flight.flow
    assert flow is not None
    bit = SNAT if source else DNAT
    if flight.reply:
        bit ^= NAT_MASK
    if not flow.status & bit:
        return False
    target = inverted(flow.tuple(not flight.reply))
    if flight.protocol in _ICMPS:
        flight.id = target[4]
    elif flight.sport >= 0 and flight.protocol in TRACKED_PORTS:
        if source:
            flight.sport = target[4]
        else:
            flight.dport = target[5]
    elif flight.protocol == GRE and flight.call_id is not None and not source:
        flight.call_id = target[5]
    if source:
        flight.saddr = target[2]
    else:
        flight.daddr = target[3]
    return True


def is_short(flight: Flight) -> bool:
    """Whether a GRE header ends before its optional fields, which NAT wants to be there all the same
    (net/netfilter/nf_nat_proto.c, gre_manip_pkt).
    """
    return flight.protocol == GRE and flight.packet.transport_bytes < _GRE_WANTED


def rewrite_error(flight: Flight, *, source: bool) -> bool:
    """nf_nat_icmp_reply_translation: an ICMP error is changed outside, and inside the other way round."""
    flow = flight.flow
    assert flow is not None
    bit = SNAT if source else DNAT
    if flight.reply:
        bit ^= NAT_MASK
    if not flow.status & bit:
        return False
    there = flow.tuple(not flight.reply)
    quoted = flight.quoted
    if quoted is not None:
        # Inside stands a packet of the other direction: there the other end is changed.
        if source:
            quoted = replace(quoted, daddr=there[3])
            if quoted.has_ports and quoted.protocol in TRACKED_PORTS:
                quoted = replace(quoted, dport=there[5])
        else:
            quoted = replace(quoted, saddr=there[2])
            if quoted.has_ports and quoted.protocol in TRACKED_PORTS:
                quoted = replace(quoted, sport=there[4])
        if quoted.is_icmp:
            quoted = replace(quoted, id=there[4])
        flight.quoted = quoted
    target = inverted(there)
    if source:
        flight.saddr = target[2]
    else:
        flight.daddr = target[3]
    return True


def follow_master(world: World, flow: Flow, saved_port: int, *, reply: bool) -> None:
    """nf_nat_helper.c, nf_nat_follow_master: an expected flow is bound as the one is that told of it."""
    master = flow.master
    assert master is not None
    there = master.tuple(not reply)
    setup(world, flow, Range((there[3], there[3])), source=True)
    setup(world, flow, Range((there[2], there[2]), (saved_port, saved_port)), source=False)
