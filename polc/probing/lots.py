"""Rules that hold by chance: so many packets of which each may be taken or not that it is not by chance if all are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, log

from polc.analysis.walk import Step
from polc.ir.ruleset import BaseChain
from polc.ir.stateful import CERTAINTY, RandomMatch
from polc.probing.build import build
from polc.probing.found import in_a_row
from polc.probing.paths import PATHS
from polc.probing.search import MOST_TIMES, Search
from polc.probing.told import UNKNOWN, Told, of_outcome
from polc.simulate.packet import Packet

BY_LOT = "by chance, so often that not all are alike"

ODDS = 1e-6
"""How likely it may be that all packets are alike all the same."""


def times_of(match: RandomMatch) -> int | None:
    """How many packets it takes; None: they are alike for certain."""
    share = match.threshold / CERTAINTY
    likelier = max(share, 1 - share)
    return None if likelier == 1 else ceil(log(ODDS) / log(likelier)) + 1


def lots(search: Search, base: BaseChain, step: Step, serial: int) -> Iterator[tuple[Packet, ...]]:
    """Packets of flows of their own which a rule takes by chance, and of which something else becomes otherwise."""
    place = (step.chain, step.number)
    chances = [at for at, one in enumerate(step.rule.matches) if isinstance(one, RandomMatch)]
    if len(chances) != 1:
        return
    (at,) = chances
    match = step.rule.matches[at]
    assert isinstance(match, RandomMatch)
    times = times_of(match)
    if times is None or times > MOST_TIMES:
        return
    for path in PATHS[base.hook]:
        for family in sorted(step.whole.families, key=lambda one: one.value):
            made = build(path, family, step.whole.matches, search.bench.links, serial)
            if made is None or made.sport is None:
                continue
            for real in search.sendable(made):
                many = in_a_row(real[-1:], times, varied=True)
                if len(real) == 1 and _is_chance(search, place, at, many):
                    yield many
                    return


def _is_chance(search: Search, place: tuple[str, int], at: int, many: Sequence[Packet]) -> bool:
    """Whether the first packet and the last one meet the rule if chance will have it, and that can be seen."""
    bench = search.bench
    for one in (many[0], many[-1]):
        held, without = bench.held((one,), place, at), bench.without((one,), place)
        told = [of_outcome(trial.outcome) for trial in (held, without)]
        if place not in held.way.met() or told[0] == told[1] or UNKNOWN in (told[0].verdict, told[1].verdict):
            return False
    return True


def other_than(seen: Sequence[Told], expected: Sequence[Told]) -> Told | None:
    """What none of the packets of a lot has become, though some should have; None: they are not all alike."""
    kinds = {one.verdict for one in seen}
    return None if len(kinds) > 1 else next((one for one in expected if one.verdict not in kinds), None)
