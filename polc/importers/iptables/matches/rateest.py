"""``-m rateest``: rates that the RATEEST target has measured (net/netfilter/xt_rateest.c)."""

from __future__ import annotations

import re

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import APART, Problem, wrong
from polc.importers.iptables.values import number

_RATE = re.compile(r"[0-9]+(?:\.[0-9]*)?(?:bit|[kmgtKMGT]bit|[kmgtKMGT]ibit|[kmgtKMGT]?[Bb]ps|[kmgtKMGT]iBps)?")
_NAMES = ("rateest", "rateest1", "rateest2")
_RATES = tuple(f"rateest-{unit}{side}" for unit in ("bps", "pps") for side in ("", "1", "2"))


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
    return Meaning((options.opaque("nft measures no rates", _SMALL.sub(_bits, options.text())),))


_SMALL = re.compile(r"(?<= )([0-9]{1,3})kbit(?!\S)")


def _bits(found: re.Match[str]) -> str:
    """As iptables-save prints what is below a million (libxt_rateest.c, rateest_print_rate)."""
    return f"{found[1]}000bit"


MATCH = MatchExtension(
    "rateest",
    (
        *(Option(name) for name in _NAMES),
        *(Option(f"rateest-{name}", takes=0, negatable=True) for name in ("lt", "gt", "eq")),
        Option("rateest-delta", takes=0),
        *(Option(name, takes=0, upto=1) for name in _RATES),
    ),
    read=_read,
)
