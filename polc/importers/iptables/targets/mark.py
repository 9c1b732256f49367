"""``-j MARK``: the mark of the packet (net/netfilter/xt_mark.c, mark_tg; libxt_MARK.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Given, Option, Options, TargetExtension
from polc.importers.iptables.values import mark, number
from polc.ir.statements import MarkField, SetMark

SET_OPTIONS = ("set-xmark", "set-mark", "and-mark", "or-mark", "xor-mark")
_ALL = 0xFFFFFFFF


def assignment(field: MarkField, given: Given) -> SetMark:
    """All five ways are ``(mark & ~mask) ^ value``."""
    if given.option.name in ("set-xmark", "set-mark"):
        value, mask = mark(given.word)
        if mask is None:
            mask = _ALL
        # `--set-mark` is "or": bits of the value outside the mask are set, too.
        return SetMark(field, value, mask | value if given.option.name == "set-mark" else mask)
    bits = number(given.word, 0, _ALL, "mark")
    match given.option.name:
        case "and-mark":
            return SetMark(field, 0, _ALL & ~bits)
        case "or-mark":
            return SetMark(field, bits, bits)
        case _:
            return SetMark(field, bits, 0)


def _read(options: Options, _context: Context) -> Action:
    return Action((assignment(MarkField.META, options.need(*SET_OPTIONS)),))


TARGET = TargetExtension("MARK", tuple(Option(name) for name in SET_OPTIONS), read=_read)
