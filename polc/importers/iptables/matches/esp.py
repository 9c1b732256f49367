"""``-m esp``: the security parameter index of ESP (net/netfilter/xt_esp.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.saved import index
from polc.importers.iptables.values import number_ends
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch

_ESP = 50
_HIGHEST = 0xFFFFFFFF


def spi(options: Options, name: str, field: Field) -> Meaning:
    """An index or a range of it; without one the header must be there all the same."""
    given = options.get(name)
    low, high = number_ends(given.word, _HIGHEST, "index") if given else (0, _HIGHEST)
    negated = given is not None and given.negated
    if low > high:
        # The kernel takes it, and no index is in it.
        low, high, negated = 0, _HIGHEST, not negated
    never = negated and (low, high) == (0, _HIGHEST)
    return Meaning((FieldMatch(field, Intervals(((low, high),)), None, negated),), never=never)


def _read(options: Options, _context: Context) -> Meaning:
    return spi(options, "espspi", Field.ESP_SPI)


MATCH = MatchExtension("esp", (Option("espspi", negatable=True, saved=index),), protocols=frozenset({_ESP}), read=_read)
