"""What stateful matches remember: buckets, hits, lists of xt_recent, counts of connections, quotas, turns."""

from __future__ import annotations

from collections import deque

from polc.ir.stateful import Amount, Limit
from polc.simulate.buckets import Bucket, ByteTickBucket, NftBucket, TickBucket
from polc.simulate.conntrack.flow import SECOND, FlowTuple
from polc.simulate.conntrack.table import Table
from polc.simulate.conntrack.tcp import is_closed
from polc.simulate.settings import Flavour, Settings

Key = tuple[int | str, ...]


class Full(Exception):
    """There is no place for another key: iptables drops such a packet, nft breaks the rule off."""


class Buckets:
    """The buckets of one limit, by key."""

    __slots__ = ("_flavour", "_kept", "_limit", "_settings")

    def __init__(self, limit: Limit, flavour: Flavour, settings: Settings) -> None:
        self._limit = limit
        self._flavour = flavour
        self._settings = settings
        self._kept: dict[Key, Bucket] = {}

    def take(self, key: Key, now: int, length: int) -> bool:
        """Raises:
        Full: as many keys are kept as may be, all of them in use.
        """
        bucket = self._kept.get(key)
        if bucket is None:
            if self._limit.key and len(self._kept) >= self._limit.size:
                # Idle ones expire by the time at which they are full again.
                self._kept = {one: kept for one, kept in self._kept.items() if not kept.is_full(now)}
                if len(self._kept) >= self._limit.size:
                    raise Full
            bucket = self._kept[key] = self._new(now)
        return bucket.take(now, length)

    def _new(self, now: int) -> Bucket:
        limit = self._limit
        if self._flavour is Flavour.NFT:
            return NftBucket(limit, now)
        if limit.rate.amount is Amount.BYTES:
            return ByteTickBucket(limit, now, self._settings.hz)
        return TickBucket(limit, now, self._settings.hz, hashed=bool(limit.key) or limit.over)


class _Seen:
    __slots__ = ("stamps", "ttl")

    def __init__(self, ttl: int, most: int) -> None:
        self.ttl = ttl
        self.stamps: deque[int] = deque(maxlen=most)


class RecentList:
    """A list of xt_recent: sources, each with the ticks of its last packets (net/netfilter/xt_recent.c).

    ``hits`` is the largest count that anybody asks it for, ``size`` how many sources it remembers; the one unseen for
    longest makes place.
    """

    def __init__(self, size: int, hits: int, settings: Settings) -> None:
        # recent_mt_check: as many stamps as the module's parameter or the count needs, rounded up to a power of two.
        needed = settings.recent_packets if hits < settings.recent_packets else hits or 32
        self._most = 1 << (needed - 1).bit_length()
        self._size = size
        self._hz = settings.hz
        self._seen: dict[tuple[bool, int], _Seen] = {}

    def clear(self) -> None:
        self._seen.clear()

    def tick(self, now: int) -> int:
        return now * self._hz // SECOND

    def record(self, address: tuple[bool, int], now: int, ttl: int = 0) -> None:
        """recent_entry_init, recent_entry_update."""
        found = self._seen.pop(address, None)
        if found is None:
            if len(self._seen) >= self._size:
                del self._seen[next(iter(self._seen))]
            found = _Seen(ttl, self._most)
        found.ttl = ttl
        found.stamps.append(self.tick(now))
        # The last one is the one seen last.
        self._seen[address] = found

    def holds(
        self, address: tuple[bool, int], now: int, seconds: int | None, hits: int | None, ttl: int | None = None
    ) -> bool:
        """Whether there were enough packets within the time; of an address whose last record had ``ttl``."""
        found = self._seen.get(address)
        if found is None or (ttl is not None and 0 not in (found.ttl, ttl) and found.ttl != ttl):
            return False
        since = None if seconds is None else self.tick(now) - seconds * self._hz
        count = sum(1 for stamp in found.stamps if since is None or stamp >= since)
        return count >= (hits or 1)

    def reap(self, now: int, seconds: int, working: tuple[bool, int] | None) -> None:
        """recent_entry_reap: the oldest entry goes where it is too old, unless it is about to be renewed."""
        oldest = next(iter(self._seen), None)
        if oldest is not None and oldest != working:
            stamps = self._seen[oldest].stamps
            if stamps and stamps[-1] < self.tick(now) - seconds * self._hz:
                del self._seen[oldest]

    def remove(self, address: tuple[bool, int]) -> bool:
        return self._seen.pop(address, None) is not None

    def __contains__(self, address: tuple[bool, int]) -> bool:
        return address in self._seen


_TICKS = SECOND // 80
"""What may be the same tick of the kernel's clock: one at 100 Hz, and what its clock and ours may differ."""


class ConnectionCounts:
    """The flows that were counted, by key (net/netfilter/nf_conncount.c). ``linger``: within a tick after it has
    looked which are gone the kernel does not look again, and counts those too (``list->last_gc``, __nf_conncount_add).
    """

    def __init__(self, size: int, *, linger: bool = False) -> None:
        self._size = size
        self._linger = linger
        self._counted: dict[Key, list[tuple[int, FlowTuple]]] = {}
        self._looked: dict[Key, int] = {}

    def count(self, key: Key, of: FlowTuple, zone: int, table: Table, now: int) -> int:
        """How many live, this one included, at a time in parts of ``SECOND``.

        Raises:
            Full: as many keys are kept as may be.
        """
        kept = self._counted.get(key)
        if kept is None:
            if len(self._counted) >= self._size:
                self._counted = {one: left for one, had in self._counted.items() if (left := self._living(had, table))}
                if len(self._counted) >= self._size:
                    raise Full
            kept = []
        if self._linger and (zone, of) in kept and table.find(of, zone) is not None:
            return len(kept)
        if self._linger and key in self._counted and now - self._looked[key] < _TICKS:
            kept.append((zone, of))
            return len(kept)
        self._looked[key] = now
        kept = self._living(kept, table, but=of)
        if (zone, of) not in kept:
            kept.append((zone, of))
        self._counted[key] = kept
        return len(kept)

    def _living(
        self, kept: list[tuple[int, FlowTuple]], table: Table, but: FlowTuple | None = None
    ) -> list[tuple[int, FlowTuple]]:
        """nf_conncount_gc_list: those whose flow is gone or closed are forgotten."""
        living = []
        for zone, of in kept:
            found = table.find(of, zone)
            if found is not None and (of == but or not is_closed(found[0])):
                living.append((zone, of))
        return living
