"""Token buckets as the kernel reckons them: nft's in nanoseconds, iptables' in credits of a tick."""

from __future__ import annotations

from abc import ABC, abstractmethod

from polc.ir.stateful import Amount, Limit
from polc.simulate.conntrack.flow import SECOND

_XT_LIMIT_SCALE = 10_000
_XT_HASHLIMIT_SCALE = 1_000_000
_DAY = 86_400


class Bucket(ABC):
    """One bucket. Whoever finds a token takes it."""

    @abstractmethod
    def take(self, now: int, length: int) -> bool:
        """Whether there was enough for a packet of ``length`` bytes at ``now`` (nanoseconds)."""

    @abstractmethod
    def is_full(self, now: int) -> bool:
        """Whether it is as if it had never been used: such a bucket need not be kept."""


class NftBucket(Bucket):
    """net/netfilter/nft_limit.c, nft_limit_eval: the tokens are nanoseconds."""

    __slots__ = ("cost", "last", "most", "per_byte", "tokens")

    def __init__(self, limit: Limit, now: int) -> None:
        nanoseconds = limit.rate.unit.value * SECOND
        if limit.rate.amount is Amount.PACKETS:
            self.cost = nanoseconds // limit.rate.count
            self.per_byte = 0
            self.most = self.cost * limit.burst
        else:
            # The kernel's own burst of bytes comes on top of one unit of the rate; the IR's is all the bucket holds.
            self.cost = limit.rate.count
            self.per_byte = nanoseconds
            self.most = nanoseconds * limit.burst // limit.rate.count
        self.tokens = self.most
        self.last = now

    def take(self, now: int, length: int) -> bool:
        tokens = min(self.tokens + now - self.last, self.most)
        self.last = now
        cost = self.per_byte * length // self.cost if self.per_byte else self.cost
        if tokens >= cost:
            self.tokens = tokens - cost
            return True
        self.tokens = tokens
        return False

    def is_full(self, now: int) -> bool:
        return self.tokens + now - self.last >= self.most


class TickBucket(Bucket):
    """net/netfilter/xt_limit.c and xt_hashlimit.c (revision 3): each tick of ``hz`` brings a credit."""

    __slots__ = ("a_tick", "cost", "credit", "hz", "last", "most")

    def __init__(self, limit: Limit, now: int, hz: int, *, hashed: bool) -> None:
        self.hz = hz
        scale = _XT_HASHLIMIT_SCALE if hashed else _XT_LIMIT_SCALE
        period = scale * limit.rate.unit.value // limit.rate.count
        highest = (0xFFFFFFFFFFFFFFFF if hashed else 0xFFFFFFFF) // (hz * _DAY)
        self.a_tick = 1 << (highest.bit_length() - 1)
        reckon = self._hashlimit if hashed else self._limit
        self.cost = reckon(period)
        self.most = self.credit = reckon(period * limit.burst)
        self.last = now * hz // SECOND

    def _limit(self, period: int) -> int:
        """xt_limit.c, user2credits."""
        a_second = self.hz * self.a_tick
        if period > 0xFFFFFFFF // a_second:
            return period // _XT_LIMIT_SCALE * a_second
        return period * a_second // _XT_LIMIT_SCALE

    def _hashlimit(self, period: int) -> int:
        """xt_hashlimit.c, user2credits."""
        return period * (self.hz * self.a_tick // _XT_HASHLIMIT_SCALE)

    def take(self, now: int, length: int) -> bool:
        tick = now * self.hz // SECOND
        self.credit = min(self.credit + (tick - self.last) * self.a_tick, self.most)
        self.last = tick
        if self.credit < self.cost:
            return False
        self.credit -= self.cost
        return True

    def is_full(self, now: int) -> bool:
        return self.credit + (now * self.hz // SECOND - self.last) * self.a_tick >= self.most


class ByteTickBucket(Bucket):
    """xt_hashlimit.c in its mode of bytes: chunks of 16, one second of credit, and ``burst`` more such seconds."""

    __slots__ = ("cost", "credit", "hz", "last", "more")

    _SHIFT = 4  # XT_HASHLIMIT_BYTE_SHIFT

    def __init__(self, limit: Limit, now: int, hz: int) -> None:
        self.hz = hz
        rate = max(1, limit.rate.count // limit.rate.unit.value)
        # libxt_hashlimit.c, bytes_to_cost: the period of a chunk, in 2**32ths of a second.
        self.cost = max(1, (0xFFFFFFFF // max(1, rate >> self._SHIFT)) * self._second >> 32)
        self.credit = self._second
        self.more = max(0, -(-limit.burst // rate) - 1)
        self.last = now * hz // SECOND

    @property
    def _a_tick(self) -> int:
        return 1 << ((0xFFFFFFFF // self.hz).bit_length() - 1)

    @property
    def _second(self) -> int:
        return self._a_tick * self.hz

    def take(self, now: int, length: int) -> bool:
        tick = now * self.hz // SECOND
        self.credit = min(self.credit + (tick - self.last) * self._a_tick, self._second)
        self.last = tick
        cost = min(((length >> self._SHIFT) + 1) * self.cost, self._second)
        if self.credit < cost and self.more:
            self.more -= 1
            self.credit = self._second
        if self.credit < cost:
            return False
        self.credit -= cost
        return True

    def is_full(self, now: int) -> bool:
        # What is left of the burst does not come back.
        return False
