"""``-m statistic``: by chance, or every n-th packet (net/netfilter/xt_statistic.c; libxt_statistic.c)."""

from __future__ import annotations

import re
from fractions import Fraction

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import APART, Problem, Word, wrong
from polc.importers.iptables.saved import decimal, lowered
from polc.importers.iptables.values import choice, number
from polc.ir.stateful import CERTAINTY, EveryNth, RandomMatch


def _read(options: Options, _context: Context) -> Meaning:
    mode = choice(options.need("mode").word, {"random": "", "nth": ""}, "mode of statistic")
    chance, every = options.get("probability"), options.get("every")
    if mode == "random":
        if every or "packet" in options:
            raise Problem(APART, "`--every` and `--packet` are of `--mode nth`", (every or options.need("packet")).at)
        given = options.need("probability")
        return Meaning((RandomMatch(_threshold(given.word), given.negated),))
    if chance:
        raise Problem(APART, "`--probability` is of `--mode random`", chance.at)
    given = options.need("every")
    count = number(given.word, 1, 0xFFFFFFFF)
    packet = number(options.need("packet").word, 0, count - 1)
    if count == 1:
        return Meaning(never=given.negated)
    match = EveryNth(count, packet)
    return Meaning(unless=(match,)) if given.negated else Meaning((match,))


def _threshold(word: Word) -> int:
    if not re.fullmatch(r"[0-9]{0,5}\.?[0-9]{0,30}", word.text) or word.text in ("", "."):
        raise wrong(word, f"`{word.text}` is no probability from 0.0 to 1.0")
    value = Fraction(word.text if word.text[0] != "." else f"0{word.text}")
    if value > 1:
        raise wrong(word, f"`{word.text}` is no probability from 0.0 to 1.0")
    # lround(3): halves go up.
    return int(value * CERTAINTY + Fraction(1, 2))


MATCH = MatchExtension(
    "statistic",
    (
        Option("mode", saved=lowered),
        Option("probability", negatable=True),
        Option("every", negatable=True, saved=decimal),
        Option("packet", saved=decimal),
    ),
    read=_read,
)
