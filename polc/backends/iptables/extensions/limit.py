"""One bucket for all packets: ``-m limit`` (net/netfilter/xt_limit.c).

The kernel counts in credits whose number hangs on its HZ, cuts long periods to whole seconds, and holds
at most 32 bits of them, so ``fits`` asks for every usual HZ whether rate and burst come out as written.
What does not fit goes to hashlimit, whose 64 bits hold it.
"""

from __future__ import annotations

from polc.backends.iptables.extensions.rates import LONGEST_REFILL, TOLERANCE, keep
from polc.backends.iptables.extensions.words import Words, module
from polc.ir.stateful import Amount, Limit

_SCALE = 10_000
_HIGHEST_BURST = 10_000  # libxt_limit.c
_DEFAULT_BURST = 5
_CREDITS = {100: 256, 250: 128, 300: 128, 1000: 32}
"""CREDITS_PER_JIFFY by HZ: the highest power of two below 2**32 / (HZ * 86400)."""


def fits(limit: Limit) -> bool:
    """Whether this match keeps the limit exactly: the burst to the packet, the rate within the tolerance."""
    if limit.rate.amount is not Amount.PACKETS:
        return False
    kept = keep(limit.rate, _SCALE)
    if limit.key or limit.over or limit.burst > _HIGHEST_BURST or kept.error > TOLERANCE:
        return False
    if kept.period * limit.burst > LONGEST_REFILL * _SCALE:
        return False
    return all(_exact(kept.period, limit.burst, hz * each) for hz, each in _CREDITS.items())


def _exact(period: int, burst: int, a_second: int) -> bool:
    cost = _credits(period, a_second)
    kept = _credits(period * burst, a_second) // cost
    return kept == burst and abs(cost / a_second * _SCALE / period - 1) <= TOLERANCE


def _credits(period: int, a_second: int) -> int:
    if period > 0xFFFFFFFF // a_second:
        return period // _SCALE * a_second
    return period * a_second // _SCALE


def words(limit: Limit) -> Words:
    burst = "" if limit.burst == _DEFAULT_BURST else f" --limit-burst {limit.burst}"
    return module(f"limit --limit {keep(limit.rate, _SCALE).text}{burst}")
