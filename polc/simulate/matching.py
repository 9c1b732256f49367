"""Each match of the IR as a function that asks a packet on its way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from polc.ir.family import Family
from polc.ir.fields import FIELDS
from polc.ir.flavour import Flavour
from polc.ir.matches import (
    AddressMatch,
    AddressType,
    AddressTypeMatch,
    CtStateMatch,
    Direction,
    ElementMatch,
    ExtensionHeader,
    ExtensionHeaderMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    IcmpTerm,
    InterfaceMatch,
    InterfacePattern,
    Match,
    NameField,
    NameMatch,
    OpaqueMatch,
    OriginalAddressMatch,
    PortTerm,
    ReversePathMatch,
    ServiceMatch,
    ServiceTerm,
    SetMatch,
    Side,
    TcpOptionMatch,
    Trait,
    TraitMatch,
)
from polc.ir.protocols import ICMP_FAMILY, TCP
from polc.ir.stateful import Connections, EveryNth, Hits, Limit, Quota, RandomMatch, RecentMatch
from polc.simulate.counting import Counting
from polc.simulate.elements import Lookup, NamedSet, contains
from polc.simulate.fib import address_type, leads_back
from polc.simulate.fields import getter, key_of
from polc.simulate.flight import Flight
from polc.simulate.packet import ACK, SYN
from polc.simulate.unknown import OnlyKernelKnows
from polc.simulate.world import World

Test = Callable[[Flight], bool]


def never(flight: Flight) -> bool:
    return False


def always(flight: Flight) -> bool:
    return True


@dataclass(slots=True)
class Matching:
    """Makes the tests of one ruleset for packets of one family. ``sets`` are its named sets as they are now."""

    family: Family
    world: World
    sets: dict[str, NamedSet]
    counting: Counting

    def test(self, match: Match) -> Test:
        """A test that holds exactly for the packets that meet the match; asking a stateful one changes its state."""
        match match:
            case InterfaceMatch(direction, patterns, negated):
                return _interface(direction, patterns, negated)
            case AddressMatch(side, addresses, negated):
                values = addresses.of_family(self.family)
                if not values:
                    return always if negated else never
                return _address(side, contains(values), negated)
            case OriginalAddressMatch(side, addresses, negated, reply):
                return _flow_address(side, contains(addresses.of_family(self.family)), negated, reply)
            case ServiceMatch(terms):
                tests = tuple(_service(term) for term in terms)
                return tests[0] if len(tests) == 1 else lambda flight: any(one(flight) for one in tests)
            case CtStateMatch(states):
                mask = states.value
                return lambda flight: flight.state & mask != 0
            case FieldMatch():
                return self._field(match)
            case FlagsMatch(flags, mask, value, negated):
                return _flags(flags, mask, value, negated)
            case NameMatch(name_field, name, negated):
                return _helper(name, negated) if name_field is NameField.CT_HELPER else _system(name, negated)
            case ReversePathMatch(loose, passes):
                return _reverse_path(self.world, self.counting.flavour, loose, passes)
            case AddressTypeMatch(side, types, negated, direction):
                return _address_type(self.world, self.counting.flavour, side, frozenset(types), negated, direction)
            case TraitMatch(trait, negated):
                return _trait(trait, negated)
            case TcpOptionMatch(kind, negated):
                return _tcp_option(kind, negated)
            case ExtensionHeaderMatch(header, negated):
                return _header(header, negated)
            case SetMatch():
                return self._set(match)
            case ElementMatch(selectors, elements, negated):
                key, lookup = key_of(selectors, self.world), Lookup((one, True) for one in elements)
                return lambda flight: (
                    (found := key(flight)) is not None and (lookup.get(found) is not None) is not negated
                )
            case EveryNth() | RandomMatch() | RecentMatch() | Limit() | Hits() | Connections() | Quota():
                return self.counting.test(match)
            case OpaqueMatch(words):
                return _opaque(f"`{words}` is asked of the packet" + (f": {match.reason}" if match.reason else ""))
            case _:
                assert_never(match)

    def _field(self, match: FieldMatch) -> Test:
        get, within, negated, mask = getter(match.field, self.world), contains(match.values), match.negated, match.mask
        family = FIELDS[match.field].family
        if family not in (None, self.family):
            return never
        if mask is None:
            return lambda flight: (value := get(flight)) is not None and within(value) is not negated
        return lambda flight: (value := get(flight)) is not None and within(value & mask) is not negated

    def _set(self, match: SetMatch) -> Test:
        key, named, negated, world = key_of(match.key, self.world), self.sets[match.set_name], match.negated, self.world
        name = match.set_name

        def test(flight: Flight) -> bool:
            if world.doubt:
                raise OnlyKernelKnows(f"what is in the set `{name}` {world.doubt}")
            found = key(flight)
            return found is not None and named.holds(found, world.table.now) is not negated

        return test


def _opaque(reason: str) -> Test:
    def test(flight: Flight) -> bool:
        raise OnlyKernelKnows(reason)

    return test


def _interface(direction: Direction, patterns: tuple[InterfacePattern, ...], negated: bool) -> Test:
    names = frozenset(one.name for one in patterns if not one.wildcard)
    prefixes = tuple(one.name for one in patterns if one.wildcard)
    into = direction is Direction.IN
    if not prefixes and len(names) == 1 and not negated:
        (only,) = names
        return (lambda flight: flight.iif == only) if into else (lambda flight: flight.oif == only)

    def test(flight: Flight) -> bool:
        name = flight.iif if into else flight.oif
        held = name in names or (name != "" and name.startswith(prefixes))
        return held is not negated

    return test


def _address(side: Side, within: Callable[[int], bool], negated: bool) -> Test:
    if side is Side.SADDR:
        return (lambda flight: not within(flight.saddr)) if negated else (lambda flight: within(flight.saddr))
    return (lambda flight: not within(flight.daddr)) if negated else (lambda flight: within(flight.daddr))


def _flow_address(side: Side, within: Callable[[int], bool], negated: bool, reply: bool) -> Test:
    at = 2 if side is Side.SADDR else 3
    return lambda flight: (
        flight.flow is not None and within((flight.flow.reply if reply else flight.flow.original)[at]) is not negated
    )


def _service(term: ServiceTerm) -> Test:
    match term:
        case IcmpTerm(protocol, kind, code):
            # ICMPv6 in an IPv4 packet has no types: nft asks for the family too (nft(8), ICMPV6 HEADER EXPRESSION).
            family = ICMP_FAMILY[protocol]
            return lambda flight: (
                flight.protocol == protocol
                and flight.type == kind
                and (code is None or flight.code == code)
                and not flight.packet.fragment
                and flight.packet.family is family
            )
        case PortTerm(protocol, sport, dport):
            if sport is None and dport is None:
                return lambda flight: flight.protocol == protocol
            if sport is None:
                assert dport is not None
                if len(dport.ranges) == 1:
                    ((low, high),) = dport.ranges
                    return lambda flight: flight.protocol == protocol and low <= flight.dport <= high
                to = contains(dport)
                return lambda flight: flight.protocol == protocol and to(flight.dport)
            of = contains(sport)
            if dport is None:
                return lambda flight: flight.protocol == protocol and of(flight.sport)
            to = contains(dport)
            return lambda flight: flight.protocol == protocol and of(flight.sport) and to(flight.dport)
        case _:
            assert_never(term)


def _flags(field: FlagField, mask: int, value: int, negated: bool) -> Test:
    if field is FlagField.TCP_FLAGS:
        return lambda flight: (
            flight.protocol == TCP and not flight.packet.fragment and (flight.flags & mask == value) is not negated
        )
    return lambda flight: flight.flow is not None and (flight.flow.status & mask == value) is not negated


def _helper(name: str, negated: bool) -> Test:
    """net/netfilter/nft_ct.c, xt_helper.c: the helper of the flow that this one was expected by."""

    def test(flight: Flight) -> bool:
        master = flight.flow.master if flight.flow is not None else None
        if master is None or not master.helper:
            return False
        return (master.helper == name) is not negated

    return test


def _system(name: str, negated: bool) -> Test:
    """net/netfilter/nfnetlink_osf.c: of a SYN over IPv4 alone."""

    def test(flight: Flight) -> bool:
        if flight.six or flight.protocol != TCP or flight.flags & (SYN | ACK) != SYN:
            return False
        if not flight.packet.os:
            raise OnlyKernelKnows("which system sends such a SYN is in the fingerprints that are loaded")
        return (flight.packet.os == name) is not negated

    return test


def _reverse_path(world: World, flavour: Flavour, loose: bool, passes: bool) -> Test:
    return lambda flight: leads_back(world.routing, flight, flavour, loose=loose) is passes


def _address_type(
    world: World,
    flavour: Flavour,
    side: Side,
    types: frozenset[AddressType],
    negated: bool,
    direction: Direction | None,
) -> Test:
    source = side is Side.SADDR
    routing = world.routing

    def test(flight: Flight) -> bool:
        address = flight.saddr if source else flight.daddr
        if direction is None:
            kind = address_type(routing, flight, address, flavour)
        else:
            kind = routing.type_of(flight.family, address, flight.iif if direction is Direction.IN else flight.oif)
        return (kind in types) is not negated

    return test


def _trait(trait: Trait, negated: bool) -> Test:
    match trait:
        case Trait.FRAGMENT:
            return lambda flight: flight.packet.fragment is not negated
        case Trait.IPSEC:
            return lambda flight: flight.packet.ipsec is not negated
        case Trait.SOCKET:
            return lambda flight: flight.packet.socket is not negated
        case _:
            assert_never(trait)


def _tcp_option(kind: int, negated: bool) -> Test:
    return lambda flight: (
        flight.protocol == TCP
        and not flight.packet.fragment
        and (kind in flight.packet.tcp_options and kind not in flight.stripped) is not negated
    )


def _header(header: ExtensionHeader, negated: bool) -> Test:
    name = header.value
    if header is ExtensionHeader.MH:
        return lambda flight: flight.six and flight.packet.is_mobile is not negated
    return lambda flight: flight.six and (name in flight.packet.between) is not negated
