"""``-j TTL``: a new TTL (net/netfilter/xt_HL.c, ttl_tg)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.values import number
from polc.ir.family import Family
from polc.ir.statements import HopChange, SetHops

_CHANGES = {"set": HopChange.SET, "inc": HopChange.INCREASE, "dec": HopChange.DECREASE}


def hops(options: Options, prefix: str) -> Action:
    given = options.need(*(f"{prefix}-{name}" for name in _CHANGES))
    change = _CHANGES[given.option.name[-3:]]
    return Action((SetHops(number(given.word, 0 if change is HopChange.SET else 1, 255), change),))


def hop_options(prefix: str) -> tuple[Option, ...]:
    return tuple(Option(f"{prefix}-{name}") for name in _CHANGES)


def _read(options: Options, _context: Context) -> Action:
    return hops(options, "ttl")


TARGET = TargetExtension(
    "TTL", hop_options("ttl"), families=frozenset({Family.IP}), tables=frozenset({"mangle"}), read=_read
)
