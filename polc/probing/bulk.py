"""Limits and quotas of many bytes, used up by the largest packets there are: those of the host to itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from polc.analysis.walk import Step
from polc.ir.ruleset import BaseChain
from polc.ir.stateful import Limit
from polc.probing.aftertime import more_until_enough
from polc.probing.build import build
from polc.probing.found import can_vary, in_a_row
from polc.probing.paths import PATHS, Path
from polc.probing.search import MOST_TIMES, Search
from polc.simulate.packet import Packet

LARGE = 60_000
"""Bytes of a packet, which the loopback interface takes in one piece (drivers/net/loopback.c, loopback_setup)."""

_SPARE = 2
"""While packets are sent a rate gives something back: for so many there is one more."""


def in_bulk(search: Search, base: BaseChain, step: Step, serial: int) -> Iterator[tuple[Packet, ...]]:
    """So many large packets that the last one does not meet the rule any more; none where the host sends itself none
    that meet it.
    """
    place, matches = (step.chain, step.number), step.whole.matches
    for family in sorted(step.whole.families if Path.LOOP in PATHS[base.hook] else (), key=lambda one: one.value):
        made = build(Path.LOOP, family, matches, search.bench.links, serial)
        if made is None:
            continue
        for real in search.sendable(replace(made, length=LARGE)):
            more = more_until_enough(step.rule.matches, LARGE)
            if more is None or place not in search.bench.tried(real).way.met():
                continue
            timed = any(isinstance(one, Limit) for one in step.rule.matches)
            spare = min(more // _SPARE, max(0, MOST_TIMES - more - 1)) if timed else 0
            many = in_a_row(real, more + 1 + spare, can_vary(real[-1], matches))
            if len(many) <= MOST_TIMES and place not in search.bench.tried(many).way.met():
                yield many
                break
