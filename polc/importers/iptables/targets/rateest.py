"""``-j RATEEST``: measures a rate for ``-m rateest`` (net/netfilter/xt_RATEEST.c)."""

from __future__ import annotations

import re

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.problem import wrong

_TIME = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,10})?(?:us|usec|usecs|ms|msec|msecs|s|sec|secs)?")
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


TARGET = TargetExtension(
    "RATEEST", (Option("rateest-name"), Option("rateest-interval"), Option("rateest-ewmalog")), read=_read
)
