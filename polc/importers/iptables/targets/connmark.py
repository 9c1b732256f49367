"""``-j CONNMARK``: the mark of the flow (net/netfilter/xt_connmark.c, connmark_tg; libxt_CONNMARK.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.problem import APART, Problem
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


TARGET = TargetExtension(
    "CONNMARK",
    (
        *(Option(name) for name in SET_OPTIONS),
        *(Option(name, takes=0) for name in _COPIES),
        *(Option(name) for name in (*_MASKS, *_SHIFTS)),
    ),
    read=_read,
)
