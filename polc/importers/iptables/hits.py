"""Two rules of xt_recent that are one count of hits: one records the packet, the other asks how many there were.

``--set`` and then ``--rcheck`` or ``--update --seconds --hitcount`` count the packet that they ask about. The other way
round, ``--update`` and then ``--set``, they count those before it: so it is one hit more, and each packet is recorded
once, by either. All of it is the same only where the list is of these two alone, and where exactly the packets that
reach the first reach the second.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable
from dataclasses import replace

from polc.importers.iptables.draft import Draft, is_stateful
from polc.ir.stateful import Hits, RecentMatch, RecentVerb
from polc.ir.verdicts import Accept, Drop, Reject

_MOST = 255


def users(drafts: Iterable[Draft]) -> Tally[str]:
    """How many rules ask each list."""
    return Tally(name for draft in drafts for name in {ask.name for ask in draft.asks if isinstance(ask, RecentMatch)})


def paired(rules: list[Draft], uses: Tally[str]) -> list[Draft]:
    """The rules with those pairs as one rule, or, in the second order, as two that count once."""
    found: list[Draft] = []
    at = 0
    while at < len(rules):
        both = _pair(rules[at], rules[at + 1], uses) if at + 1 < len(rules) else None
        if both is None:
            found.append(rules[at])
            at += 1
        else:
            found += both
            at += 2
    return found


def _pair(first: Draft, second: Draft, uses: Tally[str]) -> list[Draft] | None:
    at = len(first.asks) - 1
    one, other = _recent(first, at), _recent(second, at)
    if one is None or other is None or first.asks[:at] != second.asks[:at]:
        return None
    if (one.name, one.key) != (other.name, other.key) or uses[one.name] != 2:
        return None
    if any(isinstance(ask, RecentMatch) and ask.name == one.name for ask in second.asks[at + 1 :]):
        return None
    if one.verb is RecentVerb.SET and _counts(other) and not first.statements and first.verdict is None:
        comment = "; ".join(dict.fromkeys(one.comment for one in (first, second) if one.comment))
        origin = replace(second.origin.with_also(first.origin), comment=comment)
        both = replace(second, comment=comment, origin=origin)
        return [_counting(both, other, at, 0, other.verb is RecentVerb.UPDATE)]
    if len(second.asks) > len(first.asks):
        return None
    if other.verb is RecentVerb.SET and one.verb is RecentVerb.UPDATE and _counts(one) and _ends(first):
        return [_counting(first, one, at, 1, False), replace(second, asks=second.asks[:-1])] if _fits(one) else None
    return None


def _recent(draft: Draft, at: int) -> RecentMatch | None:
    """The rule's question to a list, where it is the one ``at`` that place and nothing counts before it."""
    asked = draft.asks[at] if 0 <= at < len(draft.asks) else None
    if not isinstance(asked, RecentMatch) or asked.negated or draft.never or any(map(is_stateful, draft.asks[:at])):
        return None
    return asked


def _counts(match: RecentMatch) -> bool:
    plain = not (match.ttl or match.reap)
    return plain and match.seconds is not None and match.hits is not None and match.verb is not RecentVerb.REMOVE


def _fits(match: RecentMatch) -> bool:
    return match.hits is not None and match.hits < _MOST


def _ends(draft: Draft) -> bool:
    """Whether no packet of the rule comes to the next one."""
    return isinstance(draft.verdict, Accept | Drop | Reject)


def _counting(draft: Draft, match: RecentMatch, at: int, more: int, refresh: bool) -> Draft:
    assert match.hits is not None
    assert match.seconds is not None
    hits = Hits(match.hits + more, match.seconds, match.key, refresh, match.name)
    return replace(draft, asks=(*draft.asks[:at], hits, *draft.asks[at + 1 :]))
