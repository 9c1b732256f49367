"""``-j MARK`` and ``-j CONNMARK`` (iptables-extensions(8); net/netfilter/xt_mark.c, xt_connmark.c)."""

from __future__ import annotations

from polc.ir.statements import CopyMark, MarkField, SetMark

_TARGETS = {MarkField.META: "MARK", MarkField.CT: "CONNMARK"}
_VERBS = {MarkField.CT: "--save-mark", MarkField.META: "--restore-mark"}


def assign(one: SetMark) -> str:
    return f"-j {_TARGETS[one.field]} --set-xmark {one.value:#x}/{one.mask:#x}"


def copy(one: CopyMark) -> str:
    """The mask of where it is copied to clears bits there, the other one chooses those that are copied."""
    own, other = one.mask, one.mask if one.from_mask is None else one.from_mask
    nfmask, ctmask = (other, own) if one.to is MarkField.CT else (own, other)
    return f"-j CONNMARK {_VERBS[one.to]} --nfmask {nfmask:#x} --ctmask {ctmask:#x}"
