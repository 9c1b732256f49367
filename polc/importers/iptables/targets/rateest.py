"""``-j RATEEST``: measures a rate for ``-m rateest`` (net/netfilter/xt_RATEEST.c)."""

from __future__ import annotations

import re
from fractions import Fraction

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.problem import Word, wrong
from polc.importers.iptables.saved import with_values

_TIME = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,10})?(?:us|usec|usecs|ms|msec|msecs|s|sec|secs)?")
_PARTS = re.compile(r"([0-9.]+)(u|m|s|)[a-z]*")
_UNITS = {"": 1, "u": 1, "m": 1_000, "s": 1_000_000}
_STEPS = frozenset(Fraction(2**power) for power in range(16))
_LONGEST = 15


def _read(options: Options, _context: Context) -> Action:
    name = options.need("rateest-name").word
    if not 0 < len(name.text) <= _LONGEST:
        raise wrong(name, f"`{name.text}` is no name of an estimator: those have 1 to {_LONGEST} letters")
    for option in ("rateest-interval", "rateest-ewmalog"):
        word = options.need(option).word
        if not _TIME.fullmatch(word.text):
            raise wrong(word, f"`{word.text}` is no time such as `250ms`")
    return options.opaque_action("nft measures no rates")


def _saved(word: Word) -> str:
    """In milliseconds or seconds with one digit behind the point (libxt_RATEEST.c, rateest_print_time).

    The kernel has a quarter of a second, doubled some times or halved: other times stay as they were given.
    """
    found = _PARTS.fullmatch(word.text)
    if found is None:
        return word.text
    steps = Fraction(found[1]) * _UNITS[found[2][:1]] / 250_000
    if steps not in _STEPS:
        return word.text
    return f"{float(steps / 4):.1f}s" if steps >= 4 else f"{float(steps * 250):.1f}ms"


TARGET = TargetExtension(
    "RATEEST",
    (
        Option("rateest-name"),
        Option("rateest-interval", saved=with_values(_saved)),
        Option("rateest-ewmalog", saved=with_values(_saved)),
    ),
    read=_read,
)
