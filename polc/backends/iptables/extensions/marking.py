"""``-j MARK`` and ``-j CONNMARK`` (iptables-extensions(8); net/netfilter/xt_mark.c, xt_connmark.c).

The kernel's ``mark & ~mask ^ value`` is "or" here, since a value has no bit outside its mask.
"""

from __future__ import annotations

from polc.backends.iptables.extensions.words import Refused
from polc.ir.statements import CopyMark, MarkField, SetMark

_TARGETS = {MarkField.META: "MARK", MarkField.CT: "CONNMARK"}
_VERBS = {MarkField.CT: "--save-mark", MarkField.META: "--restore-mark"}


def assign(one: SetMark) -> str:
    if one.value & ~one.mask:
        raise Refused("mark-mask", f"the mark {one.value:#x} has bits outside its mask {one.mask:#x}")
    return f"-j {_TARGETS[one.field]} --set-xmark {one.value:#x}/{one.mask:#x}"


def copy(one: CopyMark) -> str:
    return f"-j CONNMARK {_VERBS[one.to]} --nfmask {one.mask:#x} --ctmask {one.mask:#x}"
