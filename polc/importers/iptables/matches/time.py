"""``-m time``: when the packet comes, in UTC (net/netfilter/xt_time.c)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from polc.importers.iptables.extension import Context, Given, MatchExtension, Meaning, Option, Options, Saved, Written
from polc.importers.iptables.in_nft import seconds
from polc.importers.iptables.problem import APART, Problem, Word, wrong
from polc.importers.iptables.saved import unsaid
from polc.importers.iptables.values import listed, number
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch, Match, Nearest, OpaqueMatch

_DAY = 86_400
_WEEK = Intervals(((0, 6),))
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2}))?")
_DATE = re.compile(r"[0-9]{4}(?:-[0-9]{1,2}(?:-[0-9]{1,2}(?:T[0-9]{1,2}(?::[0-9]{1,2}(?::[0-9]{1,2})?)?)?)?)?")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WEEKDAYS = {day % 7: _DAYS[day % 7].title() for day in range(1, 8)}
"""Monday is the first to iptables-save."""
_NO_END = "2038-01-19T03:14:07"
"""What iptables-save prints for no last day: the kernel's numbers end there."""


def _seconds(word: Word) -> int:
    found = _TIME.fullmatch(word.text)
    if found:
        hours, minutes, seconds = (int(one or 0) for one in found.groups())
        if hours < 24 and minutes < 60 and seconds < 60:
            return hours * 3600 + minutes * 60 + seconds
    raise wrong(word, f"`{word.text}` is no time of day", help="as in `08:30` or `08:30:00`")


def _weekday(word: Word) -> int:
    """0 is Sunday, which as a number is 7 (Monday is 1)."""
    text = word.text.lower()
    if text.isdigit():
        return number(word, 1, 7, "day of the week") % 7
    found = [at for at, name in enumerate(_DAYS) if len(text) > 1 and name.startswith(text[:3])]
    if len(found) != 1:
        raise wrong(word, f"`{word.text}` is no day of the week", help="as in `Mon,Tue` or `1,2`")
    return found[0]


def _monthday(word: Word) -> int:
    return number(word, 1, 31, "day of the month")


def _times(options: Options) -> tuple[int, int]:
    start, stop = options.get("timestart"), options.get("timestop")
    return _seconds(start.word) if start else 0, _seconds(stop.word) if stop else _DAY - 1


def _read(options: Options, _context: Context) -> Meaning:
    low, high = _times(options)
    weekdays, monthdays = options.get("weekdays"), options.get("monthdays")
    days = Intervals.of((day, day) for day in map(_weekday, listed(weekdays.word))) if weekdays else None
    if days and weekdays and weekdays.negated:
        days = days.complement(0, 6)
    for word in listed(monthdays.word) if monthdays else ():
        _monthday(word)
    dates = [one for one in options if one.option.name in ("datestart", "datestop") and one.word.text != _NO_END]
    for date in dates:
        if not _DATE.fullmatch(date.word.text):
            raise wrong(date.word, f"`{date.word.text}` is no date", help="as in `2024-12-24` or `2024-12-24T18:00`")
    contiguous = options.get("contiguous")
    if contiguous and low <= high:
        raise Problem(APART, "`--contiguous` is for times that go past midnight", contiguous.at)
    options.among("utc", "kerneltz")
    if "kerneltz" in options:
        reason = "it goes by the kernel's time zone, which is not that of any policy"
        more = bool(dates or monthdays or contiguous)
        return Meaning((options.opaque(reason, nearest=_in_utc(low, high, days, more)),))
    if monthdays:
        return Meaning((options.opaque("neither polc nor nft knows days of the month"),))
    opaque = () if not dates else (_dates(options),)
    never = days is not None and not days
    if contiguous and days and days != _WEEK:
        # The night belongs to the day on which it begins.
        after = Intervals.of(((day + 1) % 7,) * 2 for first, last in days.ranges for day in range(first, last + 1))
        evening = (FieldMatch(Field.META_HOUR, Intervals(((low, _DAY - 1),))), FieldMatch(Field.META_DAY, days))
        morning = (FieldMatch(Field.META_HOUR, Intervals(((0, high),))), FieldMatch(Field.META_DAY, after))
        return Meaning(opaque, either=(evening, morning), never=never)
    return Meaning((*_matches(low, high, days), *opaque), never=never)


def _dates(options: Options) -> OpaqueMatch:
    begin, end = options.get("datestart"), options.get("datestop")
    nft = seconds(
        _stamp(begin.word) if begin and begin.word.text != _NO_END else None,
        _stamp(end.word) if end and end.word.text != _NO_END else None,
    )
    reason = "polc knows times of day and days of the week, and no dates"
    return options.only("datestart", "datestop").opaque(reason, nft=nft)


def _stamp(word: Word) -> int:
    """Seconds since 1970, in UTC; parts that are missing are the first ones (libxt_time.c, time_parse_date).

    Raises:
        Problem: there is no such day or time.
    """
    numbers = [int(one) for one in re.split("[-T:]", word.text)]
    year, month, day, hour, minute, second = (*numbers, *(0, 1, 1, 0, 0, 0)[len(numbers) :])
    try:
        return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
    except ValueError as error:
        raise wrong(word, f"there is no `{word.text}`") from error


def _in_utc(low: int, high: int, days: Intervals | None, more: bool) -> Nearest | None:
    """The same times in UTC; None where nft has no words for them either."""
    if more or (days is not None and not days):
        return None
    return Nearest(
        _matches(low, high, days),
        "time-in-utc",
        "the times are read as those of UTC: nft does not look at the kernel's time zone, which is what "
        "`hwclock --systz` has told the kernel, and that of summer or winter alone",
    )


def _matches(low: int, high: int, days: Intervals | None) -> tuple[Match, ...]:
    found: list[Match] = []
    # The kernel takes equal ends for the whole day, and ends that are the wrong way round for two pieces of it.
    if low < high and (low, high) != (0, _DAY - 1):
        found.append(FieldMatch(Field.META_HOUR, Intervals(((low, high),))))
    elif low > high and low != high + 1:
        found.append(FieldMatch(Field.META_HOUR, Intervals(((0, high), (low, _DAY - 1)))))
    if days and days != _WEEK:
        found.append(FieldMatch(Field.META_DAY, days))
    return tuple(found)


def _complete(options: Options) -> tuple[Given, ...]:
    """Both times of day or neither, as the kernel has them (libxt_time.c, time_save)."""
    both = dict(zip((_START, _STOP), _times(options), strict=True))
    if tuple(both.values()) == (0, _DAY - 1):
        both = {}
    times = (Given(option, False, (Word(_clock(at), options.at),), options.at) for option, at in both.items())
    return (*times, *(one for one in options if one.option not in (_START, _STOP)))


def _clock(at: int) -> str:
    return f"{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}"


def _date_as_saved(given: Given) -> Written | None:
    """In full, and not where the kernel's numbers begin or end."""
    if given.word.text == _NO_END or not (at := _stamp(given.word)):
        return None
    return Written(given.option.name, (f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}",))


def _days_as_saved(read: Callable[[Word], int], names: dict[int, str]) -> Saved:
    """The days that are meant, in their order, if those are not all; that it is none of them has no other words."""

    def saved(given: Given) -> Written | None:
        days = {read(word) for word in listed(given.word)}
        chosen = [name for day, name in names.items() if (day in days) is not given.negated]
        if not chosen:
            return Written(given.option.name, (",".join(names.values()),), negated=True)
        return Written(given.option.name, (",".join(chosen),)) if len(chosen) < len(names) else None

    return saved


_START, _STOP = Option("timestart"), Option("timestop")

MATCH = MatchExtension(
    "time",
    (
        _START,
        _STOP,
        Option("monthdays", negatable=True, saved=_days_as_saved(_monthday, {day: str(day) for day in range(1, 32)})),
        Option("weekdays", negatable=True, saved=_days_as_saved(_weekday, _WEEKDAYS)),
        Option("datestart", saved=_date_as_saved),
        Option("datestop", saved=_date_as_saved),
        Option("kerneltz", takes=0),
        Option("contiguous", takes=0),
        Option("utc", takes=0, saved=unsaid),
    ),
    complete=_complete,
    read=_read,
)
