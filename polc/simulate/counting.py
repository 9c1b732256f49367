"""Stateful matches as functions: what they remember is kept per family, under the name that the IR gives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import assert_never

from polc.ir.family import Family
from polc.ir.stateful import (
    CERTAINTY,
    Amount,
    Connections,
    EveryNth,
    Hits,
    KeyField,
    KeyPart,
    Limit,
    Quota,
    RandomMatch,
    RecentMatch,
    RecentVerb,
)
from polc.simulate.conntrack.flow import tuple_of
from polc.simulate.flight import Flight
from polc.simulate.memory import Buckets, ConnectionCounts, Full, Key, RecentList
from polc.simulate.settings import Flavour
from polc.simulate.unknown import OnlyKernelKnows
from polc.simulate.world import World

Test = Callable[[Flight], bool]
Stateful = EveryNth | RandomMatch | RecentMatch | Limit | Hits | Connections | Quota


class HotDrop(Exception):
    """A match that has no place for a packet drops it (net/netfilter/x_tables.h, hotdrop; nft's verdict NF_DROP)."""


@dataclass(slots=True)
class Memory:
    """What the stateful matches of one ruleset remember: for each family, or (None) for both together; and of each rule
    that takes turns, whose turn it was.
    """

    buckets: dict[tuple[Family | None, str], Buckets] = field(default_factory=dict)
    hits: dict[str, RecentList] = field(default_factory=dict)
    recent: dict[str, tuple[RecentList, KeyPart]] = field(default_factory=dict)
    connections: dict[tuple[Family | None, str], ConnectionCounts] = field(default_factory=dict)
    quotas: dict[tuple[Family | None, str], list[int]] = field(default_factory=dict)
    turns: list[list[int]] = field(default_factory=list)

    def forget(self) -> None:
        """What does not end with time: the rest is gone when enough of it has gone by."""
        for one in (*self.hits.values(), *(seen for seen, _ in self.recent.values())):
            one.clear()
        for used in self.quotas.values():
            used[0] = 0
        for count in self.turns:
            count[0] = -1


@dataclass(slots=True)
class Counting:
    """Makes the tests of one ruleset for packets of one family. ``most_hits`` is the largest count that any match
    asks a list of xt_recent for.
    """

    family: Family
    flavour: Flavour
    world: World
    memory: Memory
    most_hits: dict[str, int]

    def test(self, match: Stateful) -> Test:
        made = self._make(match)
        world = self.world

        def test(flight: Flight) -> bool:
            if world.doubt:
                raise OnlyKernelKnows(f"what was counted so far {world.doubt}")
            return made(flight)

        return test

    def _make(self, match: Stateful) -> Test:
        match match:
            case Limit():
                return self._limit(match)
            case Hits():
                return self._hits(match)
            case RecentMatch():
                return self._recent(match)
            case Connections():
                return self._connections(match)
            case Quota():
                return self._quota(match)
            case EveryNth(every, packet):
                count = [-1]
                self.memory.turns.append(count)
                return _turns(count, every, packet)
            case RandomMatch(threshold, negated):
                return self._random(threshold, negated=negated)
            case _:
                assert_never(match)

    def _of(self, match: Limit | Connections | Quota) -> Family | None:
        """Whose state it is; iptables has two files, and so state of each family alone."""
        return None if match.both and self.flavour is Flavour.NFT else self.family

    def _limit(self, match: Limit) -> Test:
        name = (self._of(match), match.table)
        if name not in self.memory.buckets:
            self.memory.buckets[name] = Buckets(match, self.flavour, self.world.settings)
        buckets, over, table = self.memory.buckets[name], match.over, self.world.table
        key, world, rate = self._key(match.key), self.world, match.rate

        def test(flight: Flight) -> bool:
            found = key(flight)
            if found is None:
                return self._no_key()
            if world.tracer is not None:
                tokens = 1 if rate.amount is Amount.PACKETS else flight.length
                world.tracer.asked((name, found), tokens / rate.per_second)
            try:
                return buckets.take(found, table.now, flight.length) is not over
            except Full:
                return self._no_place()

        return test

    def _random(self, threshold: int, *, negated: bool) -> Test:
        world, draw = self.world, self.world.random.randrange

        def test(flight: Flight) -> bool:
            if world.tracer is not None:
                world.tracer.drawn()
            return (draw(CERTAINTY) < threshold) is not negated

        return test

    def _hits(self, match: Hits) -> Test:
        if match.table not in self.memory.hits:
            self.memory.hits[match.table] = RecentList(match.size, match.count, self.world.settings)
        seen, table, key = self.memory.hits[match.table], self.world.table, self._address(match.key)

        def test(flight: Flight) -> bool:
            address = key(flight)
            seen.record(address, table.now, flight.ttl)
            held = seen.holds(address, table.now, match.window, match.count)
            if held and match.refresh:
                seen.record(address, table.now, flight.ttl)
            return held

        return test

    def _recent(self, match: RecentMatch) -> Test:
        """net/netfilter/xt_recent.c, recent_mt. A list keeps the mask of the rule that made it."""
        if match.name not in self.memory.recent:
            settings = self.world.settings
            made = RecentList(settings.recent_sources, self.most_hits.get(match.name, 0), settings)
            self.memory.recent[match.name] = (made, match.key)
        seen, mask = self.memory.recent[match.name]
        key = self._address(KeyPart(match.key.field, mask.ip_length, mask.ip6_length))
        table = self.world.table

        def test(flight: Flight) -> bool:
            now, address = table.now, key(flight)
            # The TTL as it was before forwarding (recent_mt).
            ttl = flight.ttl + (flight.oif != "" and not flight.local)
            match match.verb:
                case RecentVerb.SET:
                    seen.record(address, now, ttl)
                    return not match.negated
                case RecentVerb.REMOVE:
                    return seen.remove(address) is not match.negated
                case RecentVerb.RCHECK | RecentVerb.UPDATE:
                    known = address in seen
                    held = seen.holds(address, now, match.seconds, match.hits, ttl if match.ttl else None)
                    answer = held is not match.negated
                    renewed = match.verb is RecentVerb.UPDATE and answer and known
                    if known and match.reap and match.seconds is not None:
                        seen.reap(now, match.seconds, address if renewed else None)
                    if renewed:
                        seen.record(address, now, ttl)
                    return answer
                case _:
                    assert_never(match.verb)

        return test

    def _connections(self, match: Connections) -> Test:
        name = (self._of(match), match.table)
        if name not in self.memory.connections:
            self.memory.connections[name] = ConnectionCounts(match.size, linger=self.world.settings.counts_linger)
        counts, over, most, table = self.memory.connections[name], match.over, match.count, self.world.table
        key = self._key(match.key)

        def test(flight: Flight) -> bool:
            found = key(flight)
            flow = flight.flow
            of = tuple_of(flight, table.gre_keys) if flow is None else flow.original
            if found is None:
                return self._no_key()
            if of is None:
                # Nothing to count: nft drops it too (net/netfilter/nft_connlimit.c, nft_connlimit_do_eval).
                raise HotDrop
            try:
                count = counts.count(found, of, 0 if flow is None else flow.zone_of(False), table, table.now)
            except Full:
                return self._no_place()
            return (count > most) is over

        return test

    def _quota(self, match: Quota) -> Test:
        used = self.memory.quotas.setdefault((self._of(match), match.table), [0])
        most, over = match.bytes, match.over

        def test(flight: Flight) -> bool:
            used[0] += flight.length
            return (used[0] > most) is over

        return test

    def _key(self, parts: tuple[KeyPart, ...]) -> Callable[[Flight], Key | None]:
        getters = tuple(self._part(one) for one in parts)

        def get(flight: Flight) -> Key | None:
            found = tuple([one(flight) for one in getters])
            return None if -1 in found else found

        return get

    def _part(self, part: KeyPart) -> Callable[[Flight], int]:
        """A port that a packet has not is -1, and 0 for hashlimit (xt_hashlimit.c, hashlimit_init_dst)."""
        if part.field is KeyField.SPORT or part.field is KeyField.DPORT:
            absent = -1 if self.flavour is Flavour.NFT else 0
            if part.field is KeyField.SPORT:
                return lambda flight: max(flight.sport, absent)
            return lambda flight: max(flight.dport, absent)
        shift = self.family.bits - (part.ip_length if self.family is Family.IP else part.ip6_length)
        if part.field is KeyField.SOURCE:
            return lambda flight: flight.saddr >> shift
        return lambda flight: flight.daddr >> shift

    def _address(self, part: KeyPart) -> Callable[[Flight], tuple[bool, int]]:
        get = self._part(part)
        return lambda flight: (flight.six, get(flight))

    def _no_key(self) -> bool:
        if self.flavour is Flavour.IPTABLES:
            raise HotDrop
        return False

    def _no_place(self) -> bool:
        if self.flavour is Flavour.IPTABLES:
            raise HotDrop
        return False


def _turns(count: list[int], every: int, packet: int) -> Test:
    def test(flight: Flight) -> bool:
        count[0] = (count[0] + 1) % every
        return count[0] == packet

    return test
