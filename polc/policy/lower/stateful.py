"""``limit``, ``over`` and ``hits``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from polc.diagnostics import Collector
from polc.ir.stateful import Hits, KeyPart, Limit
from polc.policy.document import HitCount, Over, Rate, RuleDocument, Under, Word
from polc.policy.lower import values

DEFAULT_BURST = 5
"""What both targets take when none is written (nft(8), LIMIT STATEMENT; iptables-extensions(8), limit)."""

MOST_HITS = 255
"""xt_recent keeps no more time stamps than this of a source (net/netfilter/xt_recent.c, XT_RECENT_MAX_NSTAMPS)."""

_T = TypeVar("_T")


def stateful_matches(rule: RuleDocument, fresh: Callable[[], str], collector: Collector) -> list[Limit | Hits]:
    """The rule's stateful matches, always in the order limit, over, hits: clauses have no order of their own.

    ``fresh`` gives a name for the state of each. What is wrong is recorded.
    """
    found: list[Limit | Hits] = []
    under, over, hits = rule.find(Under), rule.find(Over), rule.find(HitCount)
    for clause in (under, over):
        if clause:
            match = _limit(clause.rate, isinstance(clause, Over), fresh, collector)
            found += (match,) if match else ()
    if hits:
        counted = _hits(hits, fresh, collector)
        found += (counted,) if counted else ()
    return found


def _limit(clause: Rate, over: bool, fresh: Callable[[], str], collector: Collector) -> Limit | None:
    rate = _value("POL114", clause.rate, values.rate, collector)
    burst = _value("POL113", clause.burst, values.count, collector) if clause.burst else DEFAULT_BURST
    key = _key(clause.per, collector)
    if rate is None or burst is None or key is None:
        return None
    return Limit(rate, burst, over, key, fresh())


def _hits(clause: HitCount, fresh: Callable[[], str], collector: Collector) -> Hits | None:
    count = _value("POL113", clause.number, lambda text: values.count(text, MOST_HITS), collector)
    window = _value("POL114", clause.within, values.duration, collector)
    key = _key(clause.per, collector)
    if count is None or window is None or key is None:
        return None
    if len(key) != 1:
        collector.error("POL119", "hits are counted by one key, source or destination", clause.per[1].span)
        return None
    return Hits(count, window, key[0], clause.refresh, fresh())


def _value(code: str, word: Word, read: Callable[[str], _T], collector: Collector) -> _T | None:
    try:
        return read(word.text)
    except ValueError as error:
        collector.error(code, str(error), word.span)
        return None


def _key(words: tuple[Word, ...], collector: Collector) -> tuple[KeyPart, ...] | None:
    try:
        return values.key(tuple(word.text for word in words))
    except ValueError as error:
        collector.error("POL119", str(error), words[0].span)
        return None
