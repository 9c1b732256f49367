"""``-m rateest``: rates that the RATEEST target has measured (net/netfilter/xt_rateest.c)."""

from __future__ import annotations

import re

from polc.importers.iptables.extension import Context, Given, MatchExtension, Meaning, Option, Options, Written
from polc.importers.iptables.problem import APART, Problem, wrong
from polc.importers.iptables.saved import decimal
from polc.importers.iptables.values import number

_RATE = re.compile(r"[0-9]+(?:\.[0-9]*)?(?:bit|[kmgtKMGT]bit|[kmgtKMGT]ibit|[kmgtKMGT]?[Bb]ps|[kmgtKMGT]iBps)?")
_KNOWN = re.compile(r"([0-9]{1,9})([kmg]?)bit")
_UNITS = ((1_000_000, "Mbit"), (1_000, "Kbit"), (1, "bit"))
_NAMES = ("rateest", "rateest1", "rateest2")


def _read(options: Options, _context: Context) -> Meaning:
    if not any(name in options for name in _NAMES):
        raise Problem(APART, "`-m rateest` needs `--rateest` or `--rateest1`", options.at)
    options.need("rateest-lt", "rateest-gt", "rateest-eq")
    for name in _RATES:
        given = options.get(name)
        if given and given.words:
            if "pps" in name:
                number(given.word, 0, 0xFFFFFFFF)
            elif not _RATE.fullmatch(given.word.text):
                raise wrong(given.word, f"`{given.word.text}` is no rate such as `5kbit`")
    return Meaning((options.opaque("nft measures no rates"),))


def _packets(given: Given) -> Written | None:
    return decimal(given) if given.words else Written(given.option.name)


def _bits(given: Given) -> Written:
    """In bits, thousands or millions of them, where that is a whole number (libxt_rateest.c, rateest_print_rate)."""
    if not given.words or not (found := _KNOWN.fullmatch(given.word.text.lower())):
        return Written(given.option.name, tuple(word.text for word in given.words))
    bits = int(found[1]) * 1000 ** ("bkmg".index(found[2] or "b"))
    scale, unit = next(one for one in _UNITS if bits >= one[0] * 1000 or one[0] == 1)
    return Written(given.option.name, (given.word.text if bits % scale or bits % 8 else f"{bits // scale}{unit}",))


_RATES = {
    f"rateest-{unit}{side}": saved for unit, saved in (("bps", _bits), ("pps", _packets)) for side in ("", "1", "2")
}


MATCH = MatchExtension(
    "rateest",
    (
        Option("rateest-delta", takes=0),
        *(Option(name) for name in ("rateest", "rateest1")),
        *(Option(name, takes=0, upto=1, saved=saved) for name, saved in _RATES.items() if name.endswith("1")),
        *(Option(f"rateest-{name}", takes=0, negatable=True) for name in ("lt", "gt", "eq")),
        *(Option(name, takes=0, upto=1, saved=saved) for name, saved in _RATES.items() if not name.endswith("1")),
        Option("rateest2"),
    ),
    read=_read,
)
