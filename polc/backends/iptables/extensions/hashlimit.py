"""Buckets by key, and limits turned round: ``-m hashlimit``, revision 3 (net/netfilter/xt_hashlimit.c).

Two facts decide the name of the table. The kernel looks a table up by name and family and ignores the
configuration of whoever comes second; and a reload checks the new rules while the old still hold their
tables. So a changed rate under the same name would go unnoticed: the name carries a digest of the
configuration. An unchanged limit keeps its name, and its buckets, over a reload.

A table that is full drops what finds no place (``hotdrop``), so unlike nft's sets it fails closed.
"""

from __future__ import annotations

from polc.backends.iptables.extensions.context import Context
from polc.backends.iptables.extensions.naming import state_name
from polc.backends.iptables.extensions.rates import LONGEST_REFILL, TOLERANCE, Kept, keep, spoken
from polc.backends.iptables.extensions.words import Difference, Refused, Words, module
from polc.ir.family import Family
from polc.ir.stateful import Amount, KeyField, KeyPart, Limit, Rate, Unit

_SCALE = 1_000_000
_HIGHEST_BURST = 1_000_000  # XT_HASHLIMIT_BURST_MAX, libxt_hashlimit.c
_HIGHEST_SIZE = 1_048_576  # HASHLIMIT_MAX_SIZE, xt_hashlimit.c: the kernel cuts larger ones
_NAME = "limit-resolution"
_ADVICE = "use a lower rate or burst"
_FIELDS = (
    (KeyField.SOURCE, "srcip", "srcmask"),
    (KeyField.SPORT, "srcport", ""),
    (KeyField.DESTINATION, "dstip", "dstmask"),
    (KeyField.DPORT, "dstport", ""),
)
"""In the order of libxt_hashlimit.c, print_mode; a port has no mask."""


def words(limit: Limit, context: Context) -> Words:
    kept = keep(limit.rate, _SCALE)
    differences = _check(limit, kept)
    parts = {part.field: _length(part, context.family) for part in limit.key}
    present = [(mode, option, parts[field]) for field, mode, option in _FIELDS if field in parts]
    options = [
        f"--hashlimit-{'above' if limit.over else 'upto'} {kept.text}",
        f"--hashlimit-burst {limit.burst}",
        f"--hashlimit-mode {','.join(mode for mode, _, _ in present)}" if present else "",
        f"--hashlimit-name {_table(limit, context.family)}",
        f"--hashlimit-htable-max {min(limit.size, _HIGHEST_SIZE)}",
        _expire(limit, kept.unit),
        *(
            f"--hashlimit-{option} {length}"
            for _, option, length in present
            if option and length != context.family.bits
        ),
    ]
    found = module("hashlimit " + " ".join(option for option in options if option))
    return Words(found.pieces, differences)


def _length(part: KeyPart, family: Family) -> int:
    return part.ip_length if family is Family.IP else part.ip6_length


def _table(limit: Limit, family: Family) -> str:
    key = sorted((part.field.value, _length(part, family)) for part in limit.key)
    return state_name(limit.table, limit.rate.count, limit.rate.unit.value, limit.burst, limit.size, key)


def _expire(limit: Limit, unit: Unit) -> str:
    """Idle entries live until their bucket is full again; iptables-save omits the default, one unit of the rate."""
    seconds = refill_seconds(limit.rate, limit.burst)
    return "" if seconds == unit.value else f"--hashlimit-htable-expire {seconds * 1000}"


def refill_seconds(rate: Rate, burst: int) -> int:
    """Whole seconds, at least 1, after which an empty bucket is full."""
    return max(1, -(-burst * rate.unit.value // rate.count))


def _check(limit: Limit, kept: Kept) -> tuple[Difference, ...]:
    rate = spoken(limit.rate)
    if limit.rate.amount is not Amount.PACKETS:
        raise Refused(
            "limit-bytes",
            "this target limits packets; hashlimit keeps bytes in steps that depend on the rate",
            "limit packets",
        )
    if len({part.field for part in limit.key}) < len(limit.key):
        raise Refused(_NAME, "hashlimit takes each address once in its key")
    if kept.period == 0:
        raise Refused(_NAME, f"hashlimit keeps at most {_SCALE} packets a second, and the rate is {rate}", _ADVICE)
    if not 1 <= limit.burst <= _HIGHEST_BURST:
        raise Refused(_NAME, f"hashlimit keeps bursts of 1 to {_HIGHEST_BURST}, and this is {limit.burst}", _ADVICE)
    if limit.burst / limit.rate.per_second > LONGEST_REFILL:
        raise Refused(
            _NAME,
            f"a burst of {limit.burst} at {rate} takes longer than {LONGEST_REFILL // 3600} hours to refill, "
            "the most that the kernel's counters hold",
            "use a smaller burst",
        )
    found = []
    if kept.error > TOLERANCE:
        found.append(Difference(_NAME, f"the rate is {rate}, and hashlimit keeps {kept.text}", _ADVICE))
    if limit.size > _HIGHEST_SIZE:
        message = f"at most {_HIGHEST_SIZE} keys are remembered, not {limit.size}"
        found.append(Difference("limit-size", message, "use a smaller size"))
    return tuple(found)
