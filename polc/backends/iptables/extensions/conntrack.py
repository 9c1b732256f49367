"""Conntrack states: ``-m conntrack --ctstate`` (iptables-extensions(8), conntrack)."""

from __future__ import annotations

from polc.backends.iptables.extensions.words import Words, module
from polc.ir.matches import CtState, CtStateMatch

_PRINTED = (CtState.INVALID, CtState.NEW, CtState.RELATED, CtState.ESTABLISHED, CtState.UNTRACKED)
"""The order of libxt_conntrack.c, print_state."""


def words(match: CtStateMatch) -> Words:
    return module("conntrack --ctstate " + ",".join(str(one.name) for one in _PRINTED if one in match.states))
