"""Packets by the time of day and the day of the week at which they come."""

from __future__ import annotations

from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.symbolic.space import Of, Set, Space

_DAY = 86_400


def at_time(space: Space, begin: float, seconds: int) -> Set | None:
    """Packets that come within so many seconds of a time, which is in seconds since 1970, UTC. None: nothing asks for
    it.
    """
    clocked = [one for one in (Field.META_HOUR, Field.META_DAY) if space.has(Of.FIELD, one)]
    if not clocked:
        return None
    first, last = int(begin), int(begin) + seconds
    manager = space.manager
    return manager.first_of(
        manager.all_of(manager.within(space.field(one).number, _on(one, day, first, last)) for one in clocked)
        for day in range(first // _DAY, last // _DAY + 1)
    )


def _on(field: Field, day: int, first: int, last: int) -> Intervals:
    """The values that a field has on a day, counted from 1970, within a time."""
    if field is Field.META_DAY:
        # 1 January 1970 was a Thursday.
        return Intervals.single((day + 4) % 7)
    begin, end = max(first, day * _DAY), min(last, day * _DAY + _DAY - 1)
    return Intervals(((begin - day * _DAY, end - day * _DAY),))
