"""Who takes the packets of a rule that none comes to: as few rules as do, on every way that leads to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from polc.analysis.exact import Exact, Part, View, Written, place_of
from polc.ir.ruleset import Rule
from polc.symbolic.diagram import NONE
from polc.symbolic.space import Set

Place = tuple[str, int]
"""Of a rule that somebody wrote: all that came of it is one taker."""

MOST_TRIED = 64
"""Takers of which each is tried to be left out."""


@dataclass(frozen=True, slots=True)
class Taker:
    """A rule that takes some of the packets: in the chain of the rule that they are for, or ``before`` it."""

    rule: Rule
    before: bool


@dataclass(frozen=True, slots=True)
class _Taking:
    """What takers do to the packets that come by one way: their shares; None where rules on the way change packets."""

    packets: Set
    view: View
    shares: dict[Place, Set] | None
    takers: dict[Place, Taker]


def takers_of(exact: Exact, written: Written) -> tuple[Taker, ...]:
    """The rules that together take every packet which a rule asks for: none of them could be left out, where one is
    enough it is one, and none has the place of the rule itself. None at all: nothing that comes could meet the rule.
    """
    ways = [way for part in written.parts for view in exact.views for way in _ways(exact, view, part, written)]
    found: dict[Place, Taker] = {}
    for way in ways:
        for place, taker in way.takers.items():
            found.setdefault(place, taker)
    needed = list(found)
    if all(way.shares is not None for way in ways):
        needed = _fewest(ways, needed)
    return tuple(found[one] for one in needed)


def _ways(exact: Exact, view: View, part: Part, written: Written) -> Iterator[_Taking]:
    wanted = view.arrivals.chains.condition(part.rule)
    for chain, number, packets in _roads(exact, view, (part.chain, part.number), wanted, frozenset()):
        enders, _ = view.arrivals.enders(chain, number, packets)
        plain = view.arrivals.is_plain(chain, number)
        shares: dict[Place, Set] = {}
        takers: dict[Place, Taker] = {}
        for one in enders:
            rule = exact.chains[chain].rules[one]
            place = place_of(rule) or (chain, one)
            if rule.origin.span == written.span:
                continue
            takers.setdefault(place, Taker(rule, chain != part.chain))
            share = view.space.manager.where(packets, view.arrivals.ended(chain, one))
            shares[place] = view.space.manager.over(shares.get(place, NONE), share)
        own = [one for one in enders if exact.chains[chain].rules[one].origin.span == written.span]
        for one in own:
            # What another part of the same rule takes needs no taker.
            packets = view.space.manager.minus(packets, view.arrivals.ended(chain, one))
        yield _Taking(packets, view, shares if plain else None, takers)


def _roads(
    exact: Exact, view: View, at: tuple[str, int], wanted: Set, seen: frozenset[str]
) -> Iterator[tuple[str, int, Set]]:
    """Where packets that are wanted are taken: rules up to which they come in a chain, and those that come."""
    manager, arrivals = view.space.manager, view.arrivals
    chain, number = at
    here = manager.where(wanted, arrivals.coming(chain))
    if here != NONE:
        yield chain, number, here
    for name, call in exact.callers.get(chain, ()):
        if name in seen or manager.where(wanted, arrivals.sent(name, call, chain)) != NONE:
            # By that call they come, and are taken here.
            continue
        asked = manager.where(wanted, arrivals.chains.condition(exact.chains[name].rules[call]))
        if asked != NONE:
            yield from _roads(exact, view, (name, call), asked, seen | {chain})


def _fewest(ways: list[_Taking], candidates: list[Place]) -> list[Place]:
    for one in candidates:
        if _cover(ways, [one]):
            return [one]
    if len(candidates) > MOST_TRIED:
        return candidates
    for one in list(candidates):
        fewer = [other for other in candidates if other != one]
        if _cover(ways, fewer):
            candidates = fewer
    return candidates


def _cover(ways: list[_Taking], some: Iterable[Place]) -> bool:
    """Whether these take every packet of every way."""
    chosen = list(some)
    for way in ways:
        assert way.shares is not None
        manager = way.view.space.manager
        taken = manager.first_of(way.shares[one] for one in chosen if one in way.shares)
        if manager.minus(way.packets, taken) != NONE:
            return False
    return True
