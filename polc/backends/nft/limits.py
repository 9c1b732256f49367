"""Token buckets: nft's limit, alone or one for each value of a key."""

from __future__ import annotations

from polc.backends.nft.definitions import SetDefinition
from polc.backends.nft.keys import key_of, key_types
from polc.backends.nft.refused import Refused
from polc.backends.nft.statements import ConnectionCount, Meter, RateLimit, SetElement, SetOperation
from polc.ir.family import Family
from polc.ir.stateful import Amount, Connections, Limit, Unit

UNITS = {Unit.SECOND: "second", Unit.MINUTE: "minute", Unit.HOUR: "hour", Unit.DAY: "day"}
_NANOSECONDS = 10**9
_MOST_BURST = 2**32 - 1  # NFTA_LIMIT_BURST is 32 bits wide
_MOST_TOKENS = 2**64 - 1
LARGEST_SET = 2**31 - 1  # libnftables' JSON reads a size as a C int


def rate_limit(count: int, unit: str, seconds: int, burst: int, *, over: bool) -> RateLimit:
    """A limit of ``count`` packets each ``seconds``, which is what ``unit`` means.

    The kernel counts nanoseconds a packet, rounded down, in 64 bits (net/netfilter/nft_limit.c).

    Raises:
        Refused: the rate would be off by more than 1 %, or the bucket does not fit.
    """
    cost = seconds * _NANOSECONDS // count
    if cost < 100:
        raise Refused(f"nft cannot keep the rate {count}/{unit} to within 1 %", "a rate of at most 10000000/second")
    if burst > _MOST_BURST or cost * burst > _MOST_TOKENS:
        raise Refused(f"a burst of {burst} at {count}/{unit} is more than nft can count", "a smaller burst")
    return RateLimit(count, unit, burst, over)


def refill_seconds(count: int, seconds: int, burst: int) -> int:
    """How long an unused bucket takes to be full again: an element that expires then is no different."""
    return max(1, -(-burst * seconds // count))


def simple_limit(limit: Limit) -> RateLimit:
    """Raises:
    Refused: the limit's numbers are beyond nft's.
    """
    unit = limit.rate.unit
    if limit.rate.amount is Amount.BYTES:
        return _byte_limit(limit)
    return rate_limit(limit.rate.count, UNITS[unit], unit.value, limit.burst, over=limit.over)


def _byte_limit(limit: Limit) -> RateLimit:
    """nft's bucket of bytes holds its burst beside what a unit brings (net/netfilter/nft_limit.c, nft_limit_init)."""
    rate, burst = limit.rate.count, limit.burst - limit.rate.count
    unit = UNITS[limit.rate.unit]
    if burst < 0:
        raise Refused(f"a bucket of bytes in nft holds at least what a {unit} brings", f"`burst {rate} bytes` or more")
    if burst > _MOST_BURST or limit.rate.unit.value * _NANOSECONDS * limit.burst > _MOST_TOKENS:
        raise Refused(f"a burst of {limit.burst} bytes is more than nft can count", "a smaller burst")
    return RateLimit(rate, unit, burst, limit.over, bytes=True)


def simple_count(match: Connections) -> ConnectionCount:
    return ConnectionCount(match.count, match.over)


def connections(match: Connections, family: Family, name: str) -> Meter | ConnectionCount:
    """A count of connections, those of each key in a set ``name``; an element goes with its last connection.

    Raises:
        Refused: the set would be too large.
    """
    count = simple_count(match)
    key = key_of(match.key, family)
    if key is None:
        return count
    check_size(match.size)
    return Meter(name, match.size, key, None, count)


def keyed_limit(limit: Limit, family: Family, name: str) -> Meter | RateLimit:
    """The limit for packets of one family, its buckets in a set ``name``.

    Raises:
        Refused: the limit's numbers are beyond nft's.
    """
    bucket = simple_limit(limit)
    key = key_of(limit.key, family)
    if key is None:
        return bucket
    check_size(limit.size)
    timeout = refill_seconds(limit.rate.count, limit.rate.unit.value, limit.burst)
    return Meter(name, limit.size, key, timeout, bucket)


def shared_limit(meter: Meter, family: Family) -> tuple[SetElement, SetDefinition]:
    """The same limit in a declared set, which several rules may use: a meter's set belongs to its rule alone."""
    element = SetElement(SetOperation.UPDATE, meter.name, meter.key, meter.timeout, meter.limit)
    return element, SetDefinition(meter.name, key_types(meter.key, family), meter.size, timed=True)


def check_size(size: int) -> None:
    """Raises:
    Refused: more elements than a set can be declared with.
    """
    if not 1 <= size <= LARGEST_SET:
        raise Refused(f"a set of nft cannot be declared with {size} elements", f"at most {LARGEST_SET}")
