"""``-j TOS``: the byte that is code point and congestion bits today (net/netfilter/xt_DSCP.c, tos_tg)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Given, Option, Options, TargetExtension, Written
from polc.importers.iptables.matches.tos import tos
from polc.importers.iptables.values import number
from polc.ir.statements import SetDscp

_DSCP = 0xFC
_ALL = 0xFF
_OPTIONS = ("set-tos", "and-tos", "or-tos", "xor-tos")


def _masked(given: Given) -> tuple[int, int]:
    """All four ways are ``(tos & ~mask) ^ value``."""
    if given.option.name == "set-tos":
        return tos(given.word)
    bits = number(given.word, 0, _ALL, "type of service")
    match given.option.name:
        case "and-tos":
            return 0, _ALL & ~bits
        case "or-tos":
            return bits, bits
        case _:
            return bits, 0


def _read(options: Options, _context: Context) -> Action:
    given = options.need(*_OPTIONS)
    value, mask = _masked(given)
    if mask == _DSCP and value & ~_DSCP == 0:
        return Action((SetDscp(value >> 2),))
    reason = "polc sets the whole code point, and not some bits of it or those of congestion"
    return options.opaque_action(reason)


def _saved(given: Given) -> Written:
    value, mask = _masked(given)
    return Written("set-tos", (f"{value:#04x}/{mask:#04x}",))


TARGET = TargetExtension(
    "TOS", tuple(Option(name, saved=_saved) for name in _OPTIONS), tables=frozenset({"mangle"}), read=_read
)
