"""One point of a set, as ordinary as there is one: a packet that people know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from polc.diffing.ranges import meet
from polc.diffing.roads import Road
from polc.ir.family import Family
from polc.ir.fields import TCP_FLAG_BITS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import AddressType, FlagField
from polc.ir.protocols import ICMP, ICMPV6, TCP, UDP
from polc.symbolic.diagram import HOLDS, NONE
from polc.symbolic.space import ESTABLISHED, NEW, OPTIONAL, TYPES, UNTRACKED, Of, Set, Space, Variable

Point = Mapping[int, int]
"""Values by number of variable; one that is not there may have any."""

_ORDINARY = {
    # What comes over networks, but for what is behind a host's own cable: RFC 6890, RFC 4291.
    Family.IP: Intervals((
        (1 << 24, (127 << 24) - 1), (128 << 24, (169 << 24 | 254 << 16) - 1), (170 << 24, (224 << 24) - 1),
    )),
    Family.IP6: Intervals(((0x2000 << 112, (0x4000 << 112) - 1), (0xFC00 << 112, (0xFE00 << 112) - 1))),
}  # fmt: skip
_EXAMPLES = {
    # RFC 5737; RFC 3849
    Family.IP: (0xC6336407, 0xCB007105, 0xC0000209, 0x0A000005),
    Family.IP6: ((0x20010DB8 << 96) + 7, (0x20010DB8_0001 << 80) + 5),
}
_PORTS = (443, 80, 22, 53, 8080, 25)
_SOURCE_PORTS = (40000,)
_DESTINATION = {
    Family.IP: (0xCB007101, *_EXAMPLES[Family.IP]),
    Family.IP6: ((0x20010DB8_00FF << 80) + 1, *_EXAMPLES[Family.IP6]),
}


def ordinary(space: Space, road: Road) -> Iterator[Set]:
    """Sets of packets that a host of which nothing is known can be shown, the most ordinary ones first."""
    manager = space.manager
    routed = manager.all_of(_routed(space, road))
    ends = manager.all_of(
        manager.within(space.variable(of).number, _ORDINARY[space.family]) for of in (Of.SADDR, Of.DADDR)
    )
    first = manager.within(space.variable(Of.CT).number, Intervals.of([(NEW, NEW), (UNTRACKED, UNTRACKED)]))
    whole = space.within(space.variable(Of.FRAGMENT), 0)
    yield manager.all_of((routed, ends, _networks(space), first, whole))
    yield manager.all_of((routed, ends, _networks(space)))
    yield manager.where(routed, ends)
    yield routed
    # Where NAT changes the destination, an address of the host is none where the packet goes.
    yield manager.all_of((ends, _networks(space), first, whole))
    yield HOLDS


def _networks(space: Space) -> Set:
    """Not by the loopback interface."""
    manager = space.manager
    if "lo" not in space.interfaces.words:
        return manager.complement(NONE)
    lo = space.interfaces.place("lo")
    return manager.all_of(manager.complement(space.within(space.variable(of), lo)) for of in (Of.IIF, Of.OIF))


def _routed(space: Space, road: Road) -> Iterator[Set]:
    """What the routing table says of addresses goes with the way that the packet takes."""
    there = {"daddr": AddressType.UNICAST if road.goes_out else AddressType.LOCAL}
    there["saddr"] = AddressType.UNICAST if road.comes_in else AddressType.LOCAL
    for variable in space.variables:
        if variable.of is Of.ADDRESS_TYPE and isinstance(variable.detail, tuple):
            yield space.within(variable, TYPES.index(there[variable.detail[0]]))
        elif variable.of is Of.ROUTE:
            yield space.within(variable, 1)


def pick(space: Space, members: Set) -> dict[int, int]:
    """A point of a set that is not empty."""
    manager = space.manager
    point: dict[int, int] = {}
    for variable in sorted(space.variables, key=lambda one: one.number):
        asked = manager.asks(members) == variable.number
        for value in _preferred(space, variable, point):
            if value > variable.highest:
                continue
            left = manager.restricted(members, variable.number, value) if asked else members
            if left != NONE:
                point[variable.number], members = value, left
                break
        else:
            if asked:
                members, point[variable.number] = _some(space, variable, members)
    return point


def _some(space: Space, variable: Variable, members: Set) -> tuple[Set, int]:
    """Of addresses one that is no network's own number, where there is one."""
    for child, values in space.manager.branches(members):
        if child == NONE:
            continue
        if variable.of in (Of.SADDR, Of.DADDR):
            usual = meet(values, _ORDINARY[space.family])
            low, high = (usual or values).ranges[0]
            return child, low + 1 if high > low else low
        return child, values.ranges[0][0]
    raise AssertionError("the set is empty")


def _preferred(space: Space, variable: Variable, point: Point) -> Iterable[int]:
    match variable.of:
        case Of.IIF | Of.OIF:
            return range(1, variable.highest + 1)
        case Of.CT:
            return (NEW, UNTRACKED, ESTABLISHED)
        case Of.PROTOCOL:
            return (TCP, UDP, ICMP if space.family is Family.IP else ICMPV6)
        case Of.FRAGMENT:
            return (0,)
        case Of.SADDR:
            return _EXAMPLES[space.family]
        case Of.DADDR:
            return _DESTINATION[space.family]
        case Of.DPORT:
            return _PORTS
        case Of.SPORT:
            return _SOURCE_PORTS
        case Of.TYPE:
            return (8,) if space.family is Family.IP else (128,)
        case Of.CODE:
            return (0,)
        case Of.FLAGS:
            state = point.get(space.variable(Of.CT).number)
            bit = TCP_FLAG_BITS["ack" if state == ESTABLISHED else "syn"]
            return (space.flags[FlagField.TCP_FLAGS].place[bit],)
        case Of.FIELD:
            usual = {
                Field.TTL: 64, Field.HOPLIMIT: 64, Field.META_LENGTH: 60, Field.META_HOUR: 43200,
                Field.ETHER_SADDR: 0x02005E100001, Field.ETHER_DADDR: 0x02005E100002,
            }  # fmt: skip
            field = variable.detail
            if field in OPTIONAL:
                return (variable.highest,)
            return (usual.get(field, 0),) if isinstance(field, Field) else (0,)
        case Of.LATE if isinstance(variable.detail, tuple) and isinstance(variable.detail[0], Of):
            if variable.detail[0] is Of.BOUND:
                return (1,)
            return (point.get(space.variable(variable.detail[0]).number, 0),)
        case Of.ANSWER:
            return ()
        case _:
            return (0,)
