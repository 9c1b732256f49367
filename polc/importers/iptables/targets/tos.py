"""``-j TOS``: the byte that is code point and congestion bits today (net/netfilter/xt_DSCP.c, tos_tg)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.matches.tos import tos
from polc.importers.iptables.values import number
from polc.ir.statements import SetDscp

_DSCP = 0xFC
_OPTIONS = ("set-tos", "and-tos", "or-tos", "xor-tos")


def _read(options: Options, _context: Context) -> Action:
    given = options.need(*_OPTIONS)
    if given.option.name == "set-tos":
        value, mask = tos(given.word)
        if mask == _DSCP and value & ~_DSCP == 0:
            return Action((SetDscp(value >> 2),))
    else:
        number(given.word, 0, 255, "type of service")
    return options.opaque_action("polc sets the whole code point, and not some bits of it or those of congestion")


TARGET = TargetExtension("TOS", tuple(Option(name) for name in _OPTIONS), tables=frozenset({"mangle"}), read=_read)
