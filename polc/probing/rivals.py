"""A rule behind another one that does the same with its packets, as long as it has something left: it is used up first,
by packets that only it takes, and then what becomes of a packet shows which of the two took it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from polc.ir.ruleset import Rule
from polc.probing.aftertime import more_until_enough
from polc.probing.edges import edges
from polc.probing.fit import misses
from polc.probing.found import Found, rows
from polc.probing.model import Place
from polc.probing.search import MOST_TIMES, Search
from polc.simulate.packet import Packet

RIVAL = "what another rule would do is used up"

_MOST_OTHERS = 24
"""Packets that a rule does not take which are tried for one that the other rule takes."""


def behind_rivals(search: Search, place: Place, rule: Rule, found: Found) -> Iterator[tuple[tuple[Packet, ...], bool]]:
    """Packets the last of which the rule takes, while something else would become of it without the rule; then so many
    that the last is not taken any more. The bool says which.
    """
    bench = search.bench
    if bench.tells(found.packets, place):
        return
    last = found.packets[-1]
    for rival in _rivals(search, place, found):
        used_up = next(_used_up(search, place, rule, found, rival), None)
        if used_up is None or not bench.tells((*used_up, *found.packets), place):
            continue
        yield (*used_up, *found.packets), True
        more = more_until_enough(rule.matches, last.total_length)
        for row in rows(found, rule.matches, more + 1) if more is not None else ():
            own = (*found.packets, *row[1:])
            # Of each flow of its own what the other rule gives is used up.
            ports = dict.fromkeys(one.sport for one in own)
            before = tuple(replace(one, sport=port) for port in ports for one in used_up)
            many = (*before, *own)
            if len(many) <= MOST_TIMES and place not in bench.tried(many).way.met():
                yield many, False
                break
        return


def _rivals(search: Search, place: Place, found: Found) -> Iterator[Rule]:
    """Rules that a packet meets only where the rule at a place is not there, and which count."""
    met = set(search.bench.tried(found.packets).way.met())
    for other in search.bench.without(found.packets, place).way.met():
        if other not in met and other in search.rules:
            rule = search.rules[other]
            if more_until_enough(rule.matches, found.packets[-1].total_length) is not None:
                yield rule


def _used_up(search: Search, place: Place, rule: Rule, found: Found, rival: Rule) -> Iterator[tuple[Packet, ...]]:
    """As many packets as it takes that the other rule has nothing left for one like the last."""
    at = next(one for one, other in search.rules.items() if other is rival)
    for changed in islice(_others(search, rule, found.packets[-1]), _MOST_OTHERS):
        real = next(search.sendable(changed), ())
        if len(real) != 1:
            continue
        (one,) = real
        met = set(search.bench.tried((one,)).way.met())
        if at not in met or place in met:
            continue
        more = more_until_enough(rival.matches, one.total_length)
        if more is None or more >= MOST_TIMES:
            continue
        mine = Found(one, (one,), found.path)
        yield from rows(mine, rival.matches, more + 1)


def _others(search: Search, rule: Rule, packet: Packet) -> Iterator[Packet]:
    """Packets that miss a match of the rule, and are like one that it takes otherwise."""
    for match in rule.matches:
        changed: Sequence[Packet] = [change(packet) for change in misses(match, packet)]
        yield from changed
        yield from (one.packet for one in edges(match, packet, search.bench.links) if not one.inside)
