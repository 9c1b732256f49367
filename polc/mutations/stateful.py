"""Faults in limits and counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from polc.ir.matches import Match
from polc.ir.stateful import Connections, EveryNth, Hits, KeyField, KeyPart, Limit, Quota, RecentMatch

_OWN = "x"
"""Ends the name of a table that is a match's own now: others that share one have to agree."""

_OTHER = {
    KeyField.SOURCE: KeyField.DESTINATION, KeyField.DESTINATION: KeyField.SOURCE,
    KeyField.SPORT: KeyField.DPORT, KeyField.DPORT: KeyField.SPORT,
}  # fmt: skip


def removed(match: Match) -> Iterator[Match | None]:
    if isinstance(match, Limit | Hits | Connections | Quota | RecentMatch | EveryNth):
        yield None


def turned(match: Match) -> Iterator[Match | None]:
    if isinstance(match, Limit | Connections | Quota):
        yield replace(match, over=not match.over)
    elif isinstance(match, RecentMatch):
        yield replace(match, negated=not match.negated)


def burst(match: Match) -> Iterator[Match | None]:
    match match:
        case Limit(burst=size):
            yield replace(match, burst=size + 1, table=match.table + _OWN)
        case Hits(count=count) if count < 255:
            yield replace(match, count=count + 1, table=match.table + _OWN)
        case Connections(count=count):
            yield replace(match, count=count + 1, table=match.table + _OWN)
        case RecentMatch(hits=int() as hits):
            yield replace(match, hits=hits + 1)
        case EveryNth(every):
            yield replace(match, every=every + 1)
        case _:
            pass


def key(match: Match) -> Iterator[Match | None]:
    """Another end's, or none."""
    if isinstance(match, Limit | Connections) and match.key:
        yield replace(match, key=tuple(_other(one) for one in match.key), table=match.table + _OWN)
    elif isinstance(match, RecentMatch):
        yield replace(match, key=_other(match.key))


def _other(part: KeyPart) -> KeyPart:
    return replace(part, field=_OTHER[part.field])
