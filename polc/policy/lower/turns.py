"""``recent``, ``nth`` and ``probability``: whose turn a packet is, by lists, by counting, or by chance."""

from __future__ import annotations

import re
from fractions import Fraction

from polc.diagnostics import Collector
from polc.diagnostics.suggest import did_you_mean
from polc.ir.stateful import CERTAINTY, EveryNth, KeyField, KeyPart, RandomMatch, RecentMatch, RecentVerb
from polc.policy.document import Chance, Sighting, Turn
from polc.policy.lower import values
from polc.policy.lower.parts import value_of
from polc.policy.lower.stateful import MOST_HITS, key_of

_ASKS = (RecentVerb.RCHECK, RecentVerb.UPDATE)
_LONGEST_NAME = 199
"""Bytes of the longest name of a list: XT_RECENT_NAME_LEN counts a NUL too (uapi/linux/netfilter/xt_recent.h)."""
"""What a probability of 1 is (net/netfilter/xt_statistic.c)."""


def recent(clause: Sighting, collector: Collector) -> RecentMatch | None:
    """The match, or None for a wrong one, which is recorded."""
    known = {one.value: one for one in RecentVerb}
    verb = known.get(clause.verb.text)
    if verb is None:
        hint = did_you_mean(clause.verb.text, known) or f"the verbs are {', '.join(known)}"
        collector.error(
            "POL121", f"`{clause.verb.text}` is nothing that is done with a list", clause.verb.span, help=hint
        )
        return None
    name = clause.name.text
    if not re.fullmatch(r"[^/\x00-\x1f\x7f]+", name) or len(name.encode()) > _LONGEST_NAME:
        message = f"`{name}` is not the name of a list of at most {_LONGEST_NAME} bytes, without `/`"
        collector.error("POL121", message, clause.name.span)
        return None
    for asked in (clause.within, clause.number, *clause.flags):
        if asked and verb not in _ASKS:
            message = f"`recent {verb.value}` asks for nothing: this goes with `rcheck` and `update`"
            collector.error("POL121", message, asked.span)
            return None
    flags = {word.text: word for word in clause.flags}
    for flag, word in flags.items():
        if flag not in ("ttl", "reap"):
            collector.error("POL121", f"unknown flag of `recent`: `{flag}`", word.span, help="the flags are ttl, reap")
            return None
    if "reap" in flags and not clause.within:
        message = "`reap` forgets what is older than a time, and none is given"
        collector.error("POL121", message, flags["reap"].span, help="as in `recent update scanners in 60s flags reap`")
        return None
    seconds = value_of("POL114", clause.within, values.duration, collector) if clause.within else None
    hits = None
    if clause.number:
        hits = value_of("POL113", clause.number, lambda text: values.count(text, MOST_HITS), collector)
    key = key_of(clause.per, collector)
    if key is None or (clause.within and seconds is None) or (clause.number and hits is None):
        return None
    if len(key) > 1 or any(one.field in values.PORT_KEYS for one in key):
        collector.error("POL119", "a list is of sources or of destinations", clause.per[-1].span)
        return None
    part = key[0] if key else KeyPart(KeyField.SOURCE)
    return RecentMatch(verb, name, part, seconds, hits, "ttl" in flags, "reap" in flags, clause.negated)


def nth(clause: Turn, collector: Collector) -> EveryNth | None:
    """The match, or None for a wrong one, which is recorded."""
    number = value_of("POL113", clause.number, values.count, collector)
    packet: int | None = 0
    if clause.packet:
        packet = value_of("POL121", clause.packet, lambda text: values.number(text, values.LARGEST_COUNT), collector)
    if number is None or packet is None:
        return None
    if number < 2:
        collector.error("POL113", "one packet in one is every packet", clause.number.span)
        return None
    if clause.packet and packet >= number:
        message = f"packets are counted from 0 to {number - 1} here"
        collector.error("POL121", message, clause.packet.span)
        return None
    return EveryNth(number, packet)


def probability(clause: Chance, collector: Collector) -> RandomMatch | None:
    """The match, or None for a wrong one, which is recorded."""
    text = clause.value.text
    if not re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,30})?|[0-9](\.[0-9]{1,20})?e-[0-9]{1,2}", text) or Fraction(text) > 1:
        collector.error("POL121", f"`{text}` is not a probability from 0 to 1, such as `0.5`", clause.value.span)
        return None
    # lround(3): halves go up.
    return RandomMatch(int(Fraction(text) * CERTAINTY + Fraction(1, 2)))
