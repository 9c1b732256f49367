"""Closes gaps: for each deliberate fault that no probe about its rule shows in the simulator, a packet that does, by
the symbolic engine.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from polc.ir.filling import Filling
from polc.ir.matches import CtState
from polc.ir.protocols import ICMP_FAMILY, TCP
from polc.mutations.model import Mutant
from polc.mutations.table import mutants
from polc.probing.bench import Bench
from polc.probing.contents import with_fillings
from polc.probing.found import as_source
from polc.probing.model import NOWHERE, WOULD_SHOW, Place, Probe
from polc.probing.paths import SPARE, Links
from polc.probing.search import Search
from polc.probing.told import UNKNOWN, Told
from polc.proving.comparison import WHOLE
from polc.proving.grounds import Grounds, families_of
from polc.proving.place import Place as At
from polc.proving.replay import COUNTED, NoReplay, packet_of
from polc.proving.tidy import tidy
from polc.simulate.hooks import Loaded
from polc.simulate.host import LOOPBACK
from polc.simulate.packet import ACK, FIN, PSH, RST, SYN, Packet
from polc.symbolic.diagram import NONE, OverBudget
from polc.symbolic.hooks import Loaded as Side
from polc.symbolic.martians import martians
from polc.symbolic.space import ESTABLISHED, INVALID, NEW, RELATED, UNTRACKED, Of, Space
from polc.symbolic.witness import Point, Witness, pick, witness_of

MOST_WORK = 25_000
"""Faults times rules up to which all of them are looked at; of more, as many as that, evenly spread."""

_BUDGET = 2_000_000
_STATES = (NEW, ESTABLISHED, RELATED, INVALID, UNTRACKED)
_PATHS = 6
_AT_ONCE = 24
"""Faults for which one space of packets is made."""

_MOST_NEAR = 80
"""Probes that are asked whether they show a fault."""
_OF_SESSIONS = (ACK, PSH | ACK, FIN | ACK, RST, SYN)
"""Flags of segments that conntrack takes at any time; a SYN it overlooks (net/netfilter/nf_conntrack_proto_tcp.c,
tcp_conntracks).
"""

_NUMBER = 4000
"""Of echoes."""

_MOST_BEFORE = 3

_MOST_TRIED = 48
"""Packets that are tried for a fault."""


def closing(
    loaded: Sequence[Loaded],
    bench: Bench,
    search: Search,
    at: int,
    probes: Sequence[Probe],
    fillings: Sequence[Filling] = (),
    only: Collection[Place] | None = None,
    but: Collection[Place] = (),
) -> Iterator[Probe]:
    """Probes for the ruleset number ``at``, beside those that there are; on a bench where ``fillings`` are put into
    sets of what is loaded. Faults of rules at ``only`` these places are looked at, ``but`` not of those.
    """
    one = loaded[at]
    told = {probe: bench.told(probe.packets) for probe in probes}

    def twin(mutant: Mutant) -> Bench:
        return Bench(with_fillings(_with(loaded, at, mutant), fillings), bench.links, bench.settings, bench.start)

    def shown(mutant: Mutant) -> bool:
        own = [probe for probe in told if _is_near(probe.place, mutant)]
        other = twin(mutant)
        return any(_differ(told[probe], other.told(probe.packets)) for probe in own[:_MOST_NEAR])

    def asked(mutant: Mutant) -> bool:
        place = (mutant.chain, -1 if mutant.number is None else mutant.number)
        return place not in but and (only is None or place in only)

    waiting = (mutant for mutant in _chosen(one, search) if asked(mutant) and not shown(mutant))
    while some := list(islice(waiting, _AT_ONCE)):
        for mutant, packets in _candidates(loaded, at, some, search, bench.links):
            other, before = twin(mutant), _histories(told, mutant)
            every = _as_members(packets, _deciding(told, mutant), search)
            for each in islice(_behind(every, before), _MOST_TRIED * (2 + 3 * len(before))):
                became = bench.told(each)
                if _differ(became, other.told(each)):
                    met = list(bench.tried(each).way.met())
                    made = Probe(met[-1] if met else NOWHERE, each, bool(met), f"{WOULD_SHOW}{mutant.mutation}")
                    if made not in told:
                        told[made] = became
                        yield made
                    break


def _differ(one: Told, other: Told) -> bool:
    """Whether a packet shows that something else became of it."""
    return one != other and UNKNOWN not in (one.verdict, other.verdict)


def _histories(probes: Iterable[Probe], mutant: Mutant) -> list[tuple[Packet, ...]]:
    """What goes before packets about the rule with the fault: of a rule that counts it takes that."""
    place = (mutant.chain, mutant.number)
    found = dict.fromkeys(one.packets[:-1] for one in probes if one.place == place and one.decides)
    return [one for one in found if one][:_MOST_BEFORE]


def _behind(
    packets: Iterable[tuple[Packet, ...]], before: Sequence[tuple[Packet, ...]]
) -> Iterator[tuple[Packet, ...]]:
    """Each by itself, and behind what goes before, as if the same host had sent it."""
    for each in packets:
        yield each
        # The second one is of a flow that is confirmed.
        yield (*each, each[-1])
        for history in before:
            yield (*(_between(one, each[-1]) for one in history), *each)
            yield (*(as_source(one, each[-1]) for one in history), *each)
            yield (*(_as_destination(one, each[-1]) for one in history), *each)


def _deciding(probes: Iterable[Probe], mutant: Mutant) -> list[Packet]:
    """Packets that meet the rule with the fault, one of each family: their addresses are in the sets that it asks."""
    place = (mutant.chain, mutant.number)
    return list(
        {one.packets[-1].family: one.packets[-1] for one in probes if one.place == place and one.decides}.values()
    )


def _as_members(
    packets: Iterable[tuple[Packet, ...]], deciding: Sequence[Packet], search: Search
) -> Iterator[tuple[Packet, ...]]:
    """Each by itself, and with the addresses of packets that meet the rule."""
    for each in packets:
        yield each
        *before, last = each
        for other in deciding:
            if not before and last.presumed is None and other.family is last.family and other.iif and last.iif:
                yield from search.sendable(replace(last, saddr=other.saddr))
                yield from search.sendable(replace(last, daddr=other.daddr, oif=other.oif))


def _as_destination(packet: Packet, last: Packet) -> Packet:
    """The packet to whoever gets the other one."""
    if packet.family is not last.family or not (packet.iif and last.iif):
        return packet
    return replace(packet, daddr=last.daddr, oif=last.oif)


def _between(packet: Packet, last: Packet) -> Packet:
    """The packet with the ends of another one. What comes in has no mark."""
    if packet.family is not last.family:
        return packet
    mark = 0 if last.iif else packet.mark
    return replace(packet, saddr=last.saddr, daddr=last.daddr, iif=last.iif, oif=last.oif, mark=mark)


def _with(loaded: Sequence[Loaded], at: int, mutant: Mutant) -> tuple[Loaded, ...]:
    return (*loaded[:at], replace(loaded[at], ruleset=mutant.ruleset), *loaded[at + 1 :])


def _is_near(place: Place, mutant: Mutant) -> bool:
    if mutant.number is None:
        return place in (NOWHERE, (mutant.chain, -1)) or place[0] == mutant.chain
    return place[0] == mutant.chain and mutant.number <= place[1] <= mutant.number + 1


def _chosen(one: Loaded, search: Search) -> Iterator[Mutant]:
    rules = max(1, len(search.rules))
    every = list(mutants(one.ruleset))
    most = max(1, MOST_WORK // rules)
    step = max(1, -(-len(every) // most))
    return islice(every, 0, None, step)


def _candidates(
    loaded: Sequence[Loaded], at: int, some: Sequence[Mutant], search: Search, links: Links
) -> Iterator[tuple[Mutant, Iterator[tuple[Packet, ...]]]]:
    """Packets as they can be sent, of which the symbolic engine says that something else becomes with each fault."""
    before = [Side(each.ruleset, each.flavour) for each in loaded]
    sides = [before, *([Side(each.ruleset, each.flavour) for each in _with(loaded, at, mutant)] for mutant in some)]
    grounds = [Grounds(sides, family, named=False, budget=_BUDGET) for family in families_of(before)]
    for number, mutant in enumerate(some, 1):
        yield mutant, (packets for one in grounds for packets in _different(one, number, search, links))


def _different(grounds: Grounds, side: int, search: Search, links: Links) -> Iterator[tuple[Packet, ...]]:
    """Of the side by its number, beside the first."""
    manager, space = grounds.space.manager, grounds.space
    try:
        for place in WHOLE:
            left, right = grounds.outcomes(place, 0), grounds.outcomes(place, side)
            if left == right:
                continue
            members = manager.minus(manager.where(grounds.valid(place), manager.differs(left, right)), martians(space))
            for state in _STATES:
                some = manager.where(members, space.within(space.variable(Of.CT), state))
                if some == NONE:
                    continue
                points = [pick(space, some)]
                points += [pick(space, manager.box(dict(path))) for _, path in islice(manager.paths(some), _PATHS)]
                for point in points:
                    packet = None if point is None else _packet(space, point, place)
                    for one in () if packet is None else _of_sessions(packet):
                        for way in _ways(_placed(one, links)):
                            yield from islice(search.sendable(way), 2)
    except OverBudget:
        return


def _packet(space: Space, point: Point, place: At) -> Packet | None:
    """None: no network carries it, or nothing can be presumed that it would need."""
    try:
        packet = tidy(packet_of(_without_counts(witness_of(space, point)), place.hook), space.facts.reads)
    except NoReplay:
        return None
    other_family = ICMP_FAMILY.get(packet.protocol, packet.family) is not packet.family
    beside = (
        other_family,
        packet.vlan,
        packet.realm,
        packet.cpu,
    )
    if any(beside) or (_is_known(packet) and packet.is_icmp):
        return None
    # Links have addresses of their own.
    number = _NUMBER if packet.is_icmp and not packet.is_icmp_error else packet.id
    # Which system sends a SYN nobody can say of it.
    return replace(packet, mac=None, mac_to=None, vlan=None, spi=None, id=number, os="", pkttype=packet.pkttype or None)


def _without_counts(witness: Witness) -> Witness:
    """Without what conntrack counts by itself: what the packet that is sent brings about is as good."""
    return replace(witness, fields=tuple(one for one in witness.fields if one[0] not in COUNTED))


def _is_known(packet: Packet) -> bool:
    """Whether it is to be of a flow that conntrack is told of."""
    return packet.presumed is not None and packet.presumed.state in (CtState.ESTABLISHED, CtState.RELATED)


def _of_sessions(packet: Packet) -> Iterator[Packet]:
    """The packet, with flags that conntrack takes from one of its state."""
    if packet.protocol != TCP or not _is_known(packet):
        yield packet
        return
    own = (packet.flags,) if packet.flags in _OF_SESSIONS else ()
    yield from (replace(packet, flags=one) for one in dict.fromkeys((*own, *_OF_SESSIONS)))
    given = packet.presumed
    if given is not None and given.state is CtState.ESTABLISHED:
        yield replace(packet, flags=SYN | ACK, presumed=replace(given, reply=True))


def _ways(packet: Packet) -> Iterator[Packet]:
    """The packet, and one that the host sends to itself: only such come in with a mark."""
    yield packet
    if packet.mark and packet.iif and not packet.oif:
        yield replace(packet, iif="", oif=LOOPBACK)


def _placed(packet: Packet, links: Links) -> Packet:
    """With interfaces that the host has: of those that no rule tells from others, a spare one."""
    spare = [one for one in SPARE if one in links.names] or links.names
    first, last = spare[0], spare[-1]
    forwarded = bool(packet.iif and packet.oif)

    def there(name: str, other: str) -> str:
        # Nothing is forwarded that comes from loopback, or goes there.
        return name if not name or name in links.names or (name == LOOPBACK and not forwarded) else other

    iif, oif = there(packet.iif, first), there(packet.oif, last)
    # What comes from there the host sends to itself.
    return replace(packet, iif="", oif=LOOPBACK) if iif == LOOPBACK else replace(packet, iif=iif, oif=oif)
