"""``limit``, ``over``, ``hits``, ``connections`` and ``quota``."""

from __future__ import annotations

from collections.abc import Callable

from polc.diagnostics import Collector
from polc.ir.protocols import PORT_PROTOCOLS
from polc.ir.stateful import (
    Amount,
    Connections,
    EveryNth,
    Hits,
    KeyPart,
    Limit,
    Quota,
    RandomMatch,
    RecentMatch,
)
from polc.policy.document import (
    Chance,
    Clause,
    ConnectionCount,
    HitCount,
    Over,
    Rate,
    RuleDocument,
    Sighting,
    Turn,
    Under,
    Volume,
    Word,
)
from polc.policy.lower import values
from polc.policy.lower.parts import value_of
from polc.policy.lower.scope import Service

DEFAULT_BURST = 5
"""What both targets take when none is written (nft(8), LIMIT STATEMENT; iptables-extensions(8), limit)."""

DEFAULT_SIZE = 65535
"""Keys that are kept where a policy does not say how many."""

MOST_HITS = 255
"""xt_recent keeps no more time stamps than this of a source (net/netfilter/xt_recent.c, XT_RECENT_MAX_NSTAMPS)."""

_PORTS = {one.value for one in values.PORT_KEYS}


Stateful = Limit | Hits | Connections | Quota | RecentMatch | EveryNth | RandomMatch

_COUNTED: frozenset[type[Clause]] = frozenset({ConnectionCount, Volume, Under, Over, HitCount})
_STATEFUL = _COUNTED | {Sighting, Turn, Chance}


def stateful_matches(rule: RuleDocument, fresh: Callable[[], str], collector: Collector) -> list[Stateful]:
    """The rule's stateful matches, always in the order connections, limit, over, hits, quota, recent, nth,
    probability: clauses have no order.

    ``fresh`` gives a name for the state of each. What is wrong is recorded.
    """
    if not rule.has(_STATEFUL):
        return []
    found: list[Stateful | None] = []
    connections, quota = rule.find(ConnectionCount), rule.find(Volume)
    under, over, hits = rule.find(Under), rule.find(Over), rule.find(HitCount)
    if connections:
        found.append(_connections(connections, fresh, collector))
    if under:
        found.append(limit(under.rate, False, fresh, collector))
    if over:
        found.append(limit(over.rate, True, fresh, collector))
    if hits:
        found.append(_hits(hits, fresh, collector))
    if quota:
        found.append(_quota(quota, fresh, collector))
    if not rule.has(frozenset({Sighting, Turn, Chance})):
        return [one for one in found if one]
    from polc.policy.lower import turns

    sighting, turn, chance = rule.find(Sighting), rule.find(Turn), rule.find(Chance)
    if sighting:
        found.append(turns.recent(sighting, collector))
    if turn:
        found.append(turns.nth(turn, collector))
    if chance:
        found.append(turns.probability(chance, collector))
    return [one for one in found if one]


def limit(clause: Rate, over: bool, fresh: Callable[[], str], collector: Collector) -> Limit | None:
    """A bucket, or None for a wrong one, which is recorded. In bytes, an unwritten burst is what a period brings."""
    rate = value_of("POL114", clause.rate, values.rate, collector)
    burst: int | None = DEFAULT_BURST
    if rate and rate.amount is Amount.BYTES:
        burst = rate.count if clause.burst is None else value_of("POL113", clause.burst, values.size, collector)
    elif clause.burst:
        burst = value_of("POL113", clause.burst, values.count, collector)
    key = key_of(clause.per, collector)
    size = _size(clause.size, clause.per, collector)
    if rate is None or burst is None or key is None or size is None:
        return None
    return Limit(rate, burst, over, key, fresh(), size)


def _size(word: Word | None, per: tuple[Word, ...], collector: Collector) -> int | None:
    """How many keys are kept at most, None for a wrong number, which is recorded."""
    if word is None:
        return DEFAULT_SIZE
    if not per:
        collector.error("POL112", "`size` is how many keys are kept, and there is no `per`", word.span)
        return None
    return value_of("POL113", word, lambda text: values.count(text), collector)


def _connections(clause: ConnectionCount, fresh: Callable[[], str], collector: Collector) -> Connections | None:
    count = value_of("POL113", clause.number, lambda text: values.number(text, values.LARGEST_COUNT), collector)
    key = key_of(clause.per, collector)
    size = _size(clause.size, clause.per, collector)
    if count is None or key is None or size is None:
        return None
    return Connections(count, clause.over, key, fresh(), size)


def _quota(clause: Volume, fresh: Callable[[], str], collector: Collector) -> Quota | None:
    size = value_of("POL113", clause.size, lambda text: values.size(text, values.LARGEST_VOLUME), collector)
    return None if size is None else Quota(size, clause.over, fresh())


def _hits(clause: HitCount, fresh: Callable[[], str], collector: Collector) -> Hits | None:
    count = value_of("POL113", clause.number, lambda text: values.count(text, MOST_HITS), collector)
    window = value_of("POL114", clause.within, values.duration, collector)
    key = key_of(clause.per, collector)
    size = _size(clause.size, clause.per, collector)
    if count is None or window is None or key is None or size is None:
        return None
    if len(key) != 1:
        collector.error("POL119", "hits are counted by one key, source or destination", clause.per[1].span)
        return None
    if key[0].field in values.PORT_KEYS:
        collector.error("POL119", "hits are counted by source or destination", clause.per[0].span)
        return None
    return Hits(count, window, key[0], clause.refresh, fresh(), size)


def check_keys(rule: RuleDocument, service: Service, collector: Collector) -> None:
    """Record POL240 for a port as key in a rule that also speaks of packets without ports."""
    if not rule.has(_COUNTED) or (service and all(part.term.protocol in PORT_PROTOCOLS for part in service)):
        return
    under, over, connections = rule.find(Under), rule.find(Over), rule.find(ConnectionCount)
    keys = (*(under.rate.per if under else ()), *(over.rate.per if over else ()))
    for word in (*keys, *(connections.per if connections else ())):
        if word.text in _PORTS:
            message = f"packets are counted by `{word.text}` here, and some that the rule matches have no ports"
            collector.error("POL240", message, word.span, help="name a service with ports, such as `tcp/1-65535`")


def key_of(words: tuple[Word, ...], collector: Collector) -> tuple[KeyPart, ...] | None:
    """What is counted apart, None for a wrong word, which is recorded."""
    try:
        return values.key(tuple(word.text for word in words))
    except ValueError as error:
        collector.error("POL119", str(error), words[0].span)
        return None
