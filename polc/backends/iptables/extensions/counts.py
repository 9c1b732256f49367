"""Counts: ``-m statistic``, ``-m connlimit`` and ``-m quota`` (iptables-extensions(8)).

connlimit counts the packet's own flow too and compares with "more than" (net/netfilter/xt_connlimit.c).
"""

from __future__ import annotations

from polc.backends.iptables.extensions.context import Context
from polc.backends.iptables.extensions.words import Refused, Words, module
from polc.ir.family import Family
from polc.ir.stateful import Connections, EveryNth, KeyField, Quota, RandomMatch

_SIDES = {KeyField.SOURCE: "--connlimit-saddr", KeyField.DESTINATION: "--connlimit-daddr"}


def every_nth(match: EveryNth) -> Words:
    return module(f"statistic --mode nth --every {match.every} --packet {match.packet}")


def random(match: RandomMatch) -> Words:
    """Eleven digits are what iptables-save prints; they name one of 2**31 steps without doubt (libxt_statistic.c)."""
    negation = "! " if match.negated else ""
    return module(f"statistic --mode random {negation}--probability {match.threshold / (1 << 31):.11f}")


def connections(match: Connections, context: Context) -> Words:
    _alone(match.table, context)
    if len(match.key) > 1 or any(part.field not in _SIDES for part in match.key):
        raise Refused(
            "connections-key",
            "iptables counts connections of a source or of a destination, and of nothing else",
            "write `per source` or `per destination`",
        )
    side, length = _SIDES[KeyField.SOURCE], 0
    for part in match.key:
        side, length = _SIDES[part.field], part.ip_length if context.family is Family.IP else part.ip6_length
    return module(
        f"connlimit --connlimit-{'above' if match.over else 'upto'} {match.count} --connlimit-mask {length} {side}"
    )


def quota(match: Quota, context: Context) -> Words:
    _alone(match.table, context)
    return module(f"quota {'! ' if match.over else ''}--quota {match.bytes}")


def _alone(table: str, context: Context) -> None:
    if table in context.shared:
        raise Refused("shared-state", f"iptables counts each rule by itself, and more than one counts in `{table}`")
