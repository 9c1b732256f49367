"""``-m time``: hours and days of the week, in UTC (net/netfilter/xt_time.c).

The kernel takes equal start and stop for the whole day, so one second alone is said as "until it" and "from it".
"""

from __future__ import annotations

from polc.backends.cascade import Alternatives
from polc.backends.iptables.extensions.values import by_range, left, pair
from polc.backends.iptables.extensions.words import Piece, Rank, Refused, Words, module
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch

_LAST_SECOND = 86_399
_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")


def split_hour(match: FieldMatch) -> Alternatives:
    """Seconds since midnight, one range an option."""
    return by_range(match, _LAST_SECOND)


def split_day(match: FieldMatch) -> Alternatives:
    """All days in one option: ``--weekdays`` takes a list."""
    if match.mask is not None:
        return by_range(match)
    days = Intervals.of((low, min(high, 6)) for low, high in left(match).ranges if low <= 6)
    if not days:
        raise Refused("field-value", "no day of the week is left")
    return Alternatives((FieldMatch(Field.META_DAY, days),))


def hour(match: FieldMatch) -> Words:
    low, high = pair(match)
    if low == high:
        if low in (0, _LAST_SECOND):
            raise Refused("one-second", "iptables cannot say the first or the last second of a day alone")
        return Words((_between(0, low), _between(low, _LAST_SECOND)))
    return Words((_between(low, high),))


def _between(low: int, high: int) -> Piece:
    # libxt_time.c prints both ends as soon as one of them is not the day's.
    whole = (low, high) == (0, _LAST_SECOND)
    return Piece(Rank.MODULE, "-m time" if whole else f"-m time --timestart {_time(low)} --timestop {_time(high)}")


def _time(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def day(match: FieldMatch) -> Words:
    # Monday first and Sunday last, as libxt_time.c prints them.
    names = [_DAYS[number] for number in (1, 2, 3, 4, 5, 6, 0) if number in match.values]
    return module("time" if len(names) == len(_DAYS) else f"time --weekdays {','.join(names)}")
