"""``-m owner``: user and group of the local socket (net/netfilter/xt_owner.c); output and postrouting only.

A packet without a socket has neither, and no range here holds for it.
"""

from __future__ import annotations

from polc.backends.iptables.extensions.values import pair
from polc.backends.iptables.extensions.words import Words, module
from polc.ir.fields import Field
from polc.ir.matches import FieldMatch

HIGHEST = 0xFFFFFFFE
"""The last number is no user and no group: it stands for "none" (uapi/asm-generic, (uid_t) -1)."""
_OPTIONS = {Field.META_SKUID: "--uid-owner", Field.META_SKGID: "--gid-owner"}


def words(match: FieldMatch) -> Words:
    low, high = pair(match)
    return module(f"owner {_OPTIONS[match.field]} {low}" + ("" if low == high else f"-{high}"))
