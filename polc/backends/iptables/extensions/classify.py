"""``-j CLASSIFY``: the class for ``tc``, as iptables-save prints it (libxt_CLASSIFY.c)."""

from __future__ import annotations

from polc.ir.statements import SetPriority


def target(one: SetPriority) -> str:
    return f"-j CLASSIFY --set-class {one.value >> 16:04x}:{one.value & 0xFFFF:04x}"
