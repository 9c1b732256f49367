"""``-j CT --helper`` (iptables-extensions(8), CT): attaches a helper to flows that begin, in table raw only."""

from __future__ import annotations

from polc.backends.iptables.extensions.words import Refused, made_of
from polc.ir.statements import AssignHelper

_LONGEST = 15  # xt_ct_target_info_v1.helper holds 16 bytes, the last a zero
_MARKS = "-_."
"""What names of the kernel's helpers have besides letters and digits (`netbios-ns`, `Q.931`)."""


def target(statement: AssignHelper) -> str:
    name = statement.helper
    if not (0 < len(name) <= _LONGEST and made_of(name, _MARKS)):
        raise Refused("helper-name", f"`{name}` is no name of a conntrack helper")
    return f"-j CT --helper {name}"
