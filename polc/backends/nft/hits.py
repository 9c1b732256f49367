"""Hit counts have no exact form in nft: a token bucket finds the excess, a set keeps who is blocked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from polc.backends.nft.definitions import SetDefinition
from polc.backends.nft.expressions import SetReference
from polc.backends.nft.keys import key_of, key_types
from polc.backends.nft.limits import check_size, rate_limit, refill_seconds
from polc.backends.nft.refused import Refused
from polc.backends.nft.statements import (
    Compare,
    Meter,
    RateLimit,
    RuleStatement,
    SetElement,
    SetOperation,
)
from polc.ir.family import Family
from polc.ir.stateful import Hits

NAME: Final = "hits-as-ban"

_PERIODS: tuple[tuple[str, int], ...] = (
    ("second", 1),
    ("minute", 60),
    ("hour", 3600),
    ("day", 86400),
    ("week", 604800),
)


@dataclass(frozen=True, slots=True)
class Ban:
    """``blocked`` stand in a rule for who is blocked already, ``excess`` in the next, for who becomes so.

    ``not_blocked`` keeps a packet of the first rule out of the second where the first lets it go on.
    """

    blocked: tuple[RuleStatement, ...]
    excess: tuple[RuleStatement, ...]
    not_blocked: Compare
    set: SetDefinition
    message: str


def ban(hits: Hits, family: Family, meter_name: str, set_name: str) -> Ban:
    """The approximation of hits with a count of 2 or more, for packets of one family.

    Raises:
        Refused: the key is the same for all packets, or a number is beyond nft's.
    """
    key = key_of((hits.key,), family)
    if key is None:
        raise Refused("a hit count for all addresses together has no form in nft", "`over` without `per`")
    check_size(hits.size)
    limit, refill, rate = excess_limit(hits.count - 1, hits.window)
    renew = (SetElement(SetOperation.UPDATE, set_name, key, hits.window),) if hits.refresh else ()
    return Ban(
        blocked=(Compare(key, SetReference(set_name)), *renew),
        excess=(
            Meter(meter_name, hits.size, key, refill, limit),
            SetElement(SetOperation.ADD, set_name, key, hits.window),
        ),
        not_blocked=Compare(key, SetReference(set_name), negated=True),
        set=SetDefinition(set_name, key_types(key, family), hits.size, timed=True),
        message=_message(hits, rate),
    )


def excess_limit(passes: int, window: int) -> tuple[RateLimit, int, str]:
    """A bucket of ``passes`` packets that refills in about ``window`` seconds and matches what finds it empty.

    Also how many seconds it takes to be full again, and its rate as words.

    Raises:
        Refused: a number is beyond nft's.
    """
    rate, unit, seconds = _nearest_rate(passes, window)
    limit = rate_limit(rate, unit, seconds, passes, over=True)
    return limit, refill_seconds(rate, seconds, passes), f"{rate}/{unit}"


def _nearest_rate(count: int, window: int) -> tuple[int, str, int]:
    """The rate nearest to ``count`` packets in ``window`` seconds, in the shortest period that is no worse."""

    def candidate(period: tuple[str, int]) -> tuple[int, str, int]:
        return max(1, round(count * period[1] / window)), *period

    def error(one: tuple[int, str, int]) -> float:
        rate, _, seconds = one
        return abs(rate * window / (seconds * count) - 1)

    return min((candidate(period) for period in _PERIODS), key=error)


def _message(hits: Hits, rate: str) -> str:
    passes = hits.count - 1
    renewed = (
        "; each further packet blocks it anew, until it is quiet for that long"
        if hits.refresh
        else ", and counting starts afresh after that"
    )
    return (
        f"instead of the hits within the last {hits.window} seconds nft counts against a bucket of {passes} that "
        f"refills evenly at {rate}: the first {passes} do not match, but up to about {2 * passes} may pass within "
        f"the first {hits.window} seconds; who finds it empty is blocked for {hits.window} seconds{renewed}"
    )
