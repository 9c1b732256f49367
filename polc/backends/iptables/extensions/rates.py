"""How iptables writes and keeps rates: as a whole number of ticks between two packets.

A tick is 1/10,000 s for xt_limit (XT_LIMIT_SCALE) and 1/1,000,000 s for xt_hashlimit since revision 2
(XT_HASHLIMIT_SCALE_v2). The tools print the rate that they find from the ticks (libxt_limit.c and
libxt_hashlimit.c, parse_rate and print_rate); both are repeated here so that polc writes what they print.
"""

from __future__ import annotations

from dataclasses import dataclass

from polc.ir.stateful import Rate, Unit

_WORDS = {Unit.DAY: "day", Unit.HOUR: "hour", Unit.MINUTE: "min", Unit.SECOND: "sec"}

TOLERANCE = 0.01
"""A rate kept this near to the written one counts as the same."""

LONGEST_REFILL = 111_848
"""Seconds that a full bucket may stand for: 32 bits of credits at 38,400 a second (xt_limit with HZ 300, the
least of the usual HZ), and the same within rounding for hashlimit's 64. Beyond, the kernel answers ERANGE."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A rate as the kernel keeps it: ``period`` ticks between packets, 0 where it is above one a tick.

    ``text`` is how the tools print it, ``unit`` the unit that they chose for that, ``error`` how far it is
    from the written rate, as a fraction of it.
    """

    text: str
    unit: Unit
    period: int
    error: float


def keep(rate: Rate, scale: int) -> Kept:
    """What becomes of a rate when ticks are 1/``scale`` seconds."""
    period = _ticks(rate, scale)
    if period == 0:
        return Kept("", rate.unit, 0, 1.0)
    printed = _printed(period, scale)
    # Printing can lose a tick (961/minute is 624 ticks, prints as 16/sec, and that is 625): the text is what loads.
    period = _ticks(printed, scale)
    error = abs(scale / period / rate.per_second - 1)
    return Kept(f"{printed.count}/{_WORDS[printed.unit]}", printed.unit, period, error)


def _ticks(rate: Rate, scale: int) -> int:
    return scale * rate.unit.value // rate.count


def _printed(period: int, scale: int) -> Rate:
    """The rate in the smallest unit in which the tools find it whole enough."""
    units = tuple(_WORDS)
    chosen = units[0]
    for unit in units[1:]:
        whole = scale * unit.value
        if period > whole or whole // period < whole % period:
            break
        chosen = unit
    return Rate(scale * chosen.value // period, chosen)


def spoken(rate: Rate) -> str:
    return f"{rate.count}/{rate.unit.name.lower()}"
