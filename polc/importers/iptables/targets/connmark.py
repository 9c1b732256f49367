"""``-j CONNMARK``: the mark of the flow (net/netfilter/xt_connmark.c, connmark_tg; libxt_CONNMARK.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Given, Option, Options, TargetExtension, Written
from polc.importers.iptables.problem import APART, Problem, Word
from polc.importers.iptables.targets.mark import SET_OPTIONS, assignment
from polc.importers.iptables.values import number
from polc.ir.statements import CopyMark, MarkField

_COPIES = {"save-mark": MarkField.CT, "restore-mark": MarkField.META}
_SHIFTS = ("left-shift-mark", "right-shift-mark")
_MASKS = ("nfmask", "ctmask", "mask")
_ALL = 0xFFFFFFFF


def _read(options: Options, _context: Context) -> Action:
    given = options.need(*SET_OPTIONS, *_COPIES)
    masks = {name: number(one.word, 0, _ALL, "mask") for name in _MASKS if (one := options.get(name))}
    if "mask" in masks and len(masks) > 1:
        raise Problem(APART, "`--mask` stands for both other masks", options.need("mask").at)
    shift = options.among(*_SHIFTS)
    if given.option.name in SET_OPTIONS:
        if masks:
            raise Problem(APART, f"`{given.option.shown}` takes no mask beside it", given.at)
        action = Action((assignment(MarkField.CT, given),))
    else:
        nfmask, ctmask = (masks.get(name, masks.get("mask", _ALL)) for name in ("nfmask", "ctmask"))
        to = _COPIES[given.option.name]
        own, other = (ctmask, nfmask) if to is MarkField.CT else (nfmask, ctmask)
        action = Action((CopyMark(to, own, None if other == own else other),))
    if shift:
        number(shift.word, 0, 32, "number of bits")
        return options.opaque_action("it shifts the bits of the mark")
    return action


def _complete(options: Options) -> tuple[Given, ...]:
    """Both masks of a copy, whatever they are (libxt_CONNMARK.c, connmark_tg_save_v2)."""
    if not any(name in options for name in _COPIES):
        return options.given
    masks = {one: options.get(one.name) or options.get("mask") for one in _MASK_OPTIONS}
    words = {one: number(given.word, 0, _ALL) if given else _ALL for one, given in masks.items()}
    given = (Given(one, False, (Word(f"{mask:#x}", options.at),), options.at) for one, mask in words.items())
    return (*given, *(one for one in options if one.option.name not in _MASKS))


def _set_as_saved(given: Given) -> Written:
    found = assignment(MarkField.CT, given)
    return Written("set-xmark", (f"{found.value:#x}/{found.mask:#x}",))


def _shift_as_saved(given: Given) -> Written | None:
    bits = number(given.word, 0, 32, "number of bits")
    return Written(given.option.name, (str(bits),)) if bits else None


_MASK_OPTIONS = (Option("nfmask"), Option("ctmask"))

TARGET = TargetExtension(
    "CONNMARK",
    (
        *(Option(name, saved=_set_as_saved) for name in SET_OPTIONS),
        *(Option(name, takes=0) for name in _COPIES),
        *_MASK_OPTIONS,
        Option("mask"),
        *(Option(name, saved=_shift_as_saved) for name in _SHIFTS),
    ),
    complete=_complete,
    read=_read,
)
