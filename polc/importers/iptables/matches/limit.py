"""``-m limit``: one token bucket for the rule (net/netfilter/xt_limit.c; libxt_limit.c, parse_rate and print_rate)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import Word, wrong
from polc.importers.iptables.values import number
from polc.ir.stateful import Limit, Rate, Unit

_SCALE = 10_000
_HIGHEST_BURST = 10_000
_DEFAULT = Rate(3, Unit.HOUR)
_UNITS = {"second": Unit.SECOND, "minute": Unit.MINUTE, "hour": Unit.HOUR, "day": Unit.DAY}
_BY_LENGTH = (Unit.DAY, Unit.HOUR, Unit.MINUTE, Unit.SECOND)


def written_unit(word: Word) -> Unit | None:
    """The unit of a rate as it was written, seconds where none was; None: there is no such unit."""
    _, slash, text = word.text.partition("/")
    if not slash:
        return Unit.SECOND
    return next((one for name, one in _UNITS.items() if text and name.startswith(text.lower())), None)


def rate(word: Word, scale: int) -> Rate:
    """``10/minute``, with any beginning of a unit, as the tools print it back: whole ticks of 1/``scale`` s apart.

    Raises:
        Problem: it is no rate, or faster than one a tick.
    """
    text = word.text.partition("/")[0]
    unit = written_unit(word)
    digits = text if text.isascii() and text.isdigit() and len(text) < 11 else ""
    if unit is None or not digits or int(digits) == 0:
        raise wrong(word, f"`{word.text}` is no rate", help="as in `10/second`, `/minute`, `/hour` or `/day`")
    ticks = scale * unit.value // int(digits)
    if ticks == 0:
        raise wrong(word, f"the rate `{word.text}` is faster than {scale}/second, the fastest that iptables has")
    chosen = _BY_LENGTH[0]
    for one in _BY_LENGTH[1:]:
        whole = scale * one.value
        if ticks > whole or whole // ticks < whole % ticks:
            break
        chosen = one
    return Rate(scale * chosen.value // ticks, chosen)


def _read(options: Options, _context: Context) -> Meaning:
    given, burst = options.get("limit"), options.get("limit-burst")
    found = rate(given.word, _SCALE) if given else _DEFAULT
    count = number(burst.word, 1, _HIGHEST_BURST, "burst") if burst else 5
    return Meaning((Limit(found, count, False, (), ""),))


MATCH = MatchExtension("limit", (Option("limit"), Option("limit-burst")), read=_read)
