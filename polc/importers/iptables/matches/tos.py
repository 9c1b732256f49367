"""``-m tos``: the byte that is code point and congestion bits today (net/netfilter/xt_dscp.c, tos_mt)."""

from __future__ import annotations

from polc.diagnostics.suggest import did_you_mean
from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.matches import dscp, ecn
from polc.importers.iptables.problem import Word, wrong
from polc.importers.iptables.saved import with_values
from polc.importers.iptables.values import number
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch, Match

_SYMBOLS = {
    # tos_values.c
    "Minimize-Delay": 0x10,
    "Maximize-Throughput": 0x08,
    "Maximize-Reliability": 0x04,
    "Minimize-Cost": 0x02,
    "Normal-Service": 0x00,
}
_SYMBOL_MASK = 0x3F


def tos(word: Word) -> tuple[int, int]:
    """Value and mask; a symbol has a mask of its own.

    Raises:
        Problem: it is neither a number nor a symbol.
    """
    if word.text[:1].isdigit():
        value, slash, mask = word.text.partition("/")
        return (
            number(Word(value, word.at), 0, 255, "type of service"),
            number(Word(mask, word.at), 0, 255, "mask") if slash else 255,
        )
    for name, symbol in _SYMBOLS.items():
        if name.lower() == word.text.lower():
            return symbol, _SYMBOL_MASK
    raise wrong(word, f"`{word.text}` is no type of service", help=did_you_mean(word.text, _SYMBOLS))


def _read(options: Options, context: Context) -> Meaning:
    given = options.need("tos")
    value, mask = tos(given.word)
    if value & ~mask:
        return Meaning(never=not given.negated)
    matches: list[Match] = []
    for field, shift, bits in ((dscp.FIELD[context.family], 2, 6), (ecn.FIELD[context.family], 0, 2)):
        own = mask >> shift & ((1 << bits) - 1)
        if own:
            wanted = value >> shift & own
            values = Intervals.of((one, one) for one in range(1 << bits) if one & own == wanted)
            matches.append(FieldMatch(field, values))
    if not given.negated:
        return Meaning(tuple(matches))
    return Meaning(unless=tuple(matches)) if matches else Meaning(never=True)


def _saved(word: Word) -> str:
    value, mask = tos(word)
    return f"{value:#04x}/{mask:#04x}"


MATCH = MatchExtension("tos", (Option("tos", negatable=True, saved=with_values(_saved)),), read=_read)
