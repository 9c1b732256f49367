"""``-j CLASSIFY``: the class that queueing disciplines go by (net/netfilter/xt_CLASSIFY.c)."""

from __future__ import annotations

import re

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.problem import wrong
from polc.ir.statements import SetPriority

_CLASS = re.compile(r"(?:0[xX])?([0-9a-fA-F]{1,4}):(?:0[xX])?([0-9a-fA-F]{1,4})")


def _read(options: Options, _context: Context) -> Action:
    word = options.need("set-class").word
    found = _CLASS.fullmatch(word.text)
    if not found:
        raise wrong(word, f"`{word.text}` is no class", help="as in `1:10`, in hexadecimal numbers")
    return Action((SetPriority(int(found[1], 16) << 16 | int(found[2], 16)),))


TARGET = TargetExtension(
    "CLASSIFY", (Option("set-class"),), chains=frozenset({"FORWARD", "OUTPUT", "POSTROUTING"}), read=_read
)
