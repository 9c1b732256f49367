"""Regions in words: a block for each way, a line for each region, and the rule that decides."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from polc.diffing.changes import Change, Kind
from polc.diffing.model import Region
from polc.diffing.roads import Road
from polc.diffing.shapes import Shape
from polc.diffing.words import ends_text, families_text, service_text, zones_text
from polc.ir.matches import CtState
from polc.ir.way import Way
from polc.proving.differs import verdict_words
from polc.querying.query import Part, Regions
from polc.querying.tagged import Decider
from polc.symbolic.diagram import NONE


def report(regions: Regions) -> str:
    """What is accepted, way by way."""
    return "".join(f"{line}\n" for line in _lines(regions))


def _lines(regions: Regions) -> Iterator[str]:
    if not regions.parts and not regions.undecided:
        yield "no packet of this class is accepted"
    for (verdict, decider), parts in groupby(regions.parts, lambda one: (verdict_words(one.verdict), one.decider)):
        yield f"{verdict}: {decider_text(decider)}"
        keys = set()
        for part in parts:
            keys.add((part.way, part.verdict, part.decider))
            yield f"  {part_text(regions, part)}"
        if keys & regions.more:
            yield "  and more of the same rule" if decider and decider.number is not None else "  and more"
    if regions.more:
        yield "there are more regions than these: `--max 0` shows all, and a smaller class has fewer"
    for words in regions.undecided:
        yield f"undecided: {words}"


def part_text(regions: Regions, part: Part) -> str:
    """``lan -> wan, tcp/80,443, from @office to any, state new``."""
    shape = part.shape
    source, destination = ends_text(shape, regions.names)
    words = [zones_of(regions, part.way, shape), service_text(shape, regions.names)]
    if source != "any":
        words.append(f"from {source}")
    if destination != "any":
        words.append(f"to {destination}")
    states = states_of(shape)
    words += [one for one in (states, families_text(shape, regions.families, regions.names), *shape.conditions) if one]
    return ", ".join(words)


def states_of(shape: Shape) -> str:
    """Empty for the first packets of connections, which are what one thinks of."""
    states = shape.states
    if states is None:
        return "in any state"
    if CtState.NEW in states and not states & ~(CtState.NEW | CtState.UNTRACKED):
        return ""
    return "state " + ", ".join(one.name.lower() for one in CtState if one in states and one.name)


def zones_of(regions: Regions, way: Way, shape: Shape) -> str:
    """``lan -> wan``, ``wan -> host``."""
    comes_in, goes_out = way is not Way.OUTPUT, way is not Way.INPUT
    road = Road(
        name=way.value, comes_in=comes_in, goes_out=goes_out, hook=way.hook, whole=True, outcomes=lambda _: NONE,
        valid=lambda _: NONE,
    )  # fmt: skip
    region = Region(road, Change(Kind.VERDICT, "", ""), shape, 0.0, None)
    return zones_text(region, regions.interfaces, regions.names)


def decider_text(decider: Decider | None) -> str:
    """``policy.yaml:14 input/3 `accept ssh``` or ``the policy of input, policy.yaml:4``."""
    if decider is None:
        return "no rule or policy decides"
    span = decider.origin.span
    place = f"{span.source.path}:{span.line}" if span else ""
    if decider.number is None:
        return f"the policy of {decider.chain}" + (f", {place}" if place else "")
    words = " ".join(span.text.split()) if span else ""
    name = f"{decider.chain}/{decider.number + 1}"
    return " ".join(one for one in (place, name, f"`{words}`" if words else "") if one)
