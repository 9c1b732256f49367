"""One packet of a set, tried in the simulator before anybody is told of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from polc.diagnostics import Diagnostic, Failure
from polc.proving.differs import verdict_words
from polc.proving.grounds import Grounds
from polc.proving.model import Counterexample, Seen
from polc.proving.place import Place
from polc.proving.replay import CHOSEN, NoReplay, agree, asked_of, packet_of
from polc.proving.tidy import tidy
from polc.simulate.describe import field_of, wanted
from polc.simulate.packet import Packet
from polc.simulate.packet_format import format_packet
from polc.symbolic.diagram import Node
from polc.symbolic.outcome import Outcome
from polc.symbolic.space import Of, Set, Space
from polc.symbolic.witness import Point, Witness, pick, witness_of

_MOST_TRIED = 40


class NotShown(Exception):
    """The simulator cannot be brought to any packet of the set that was tried; why, fit for a person."""


def show(grounds: Grounds, place: Place, members: Set, names: Sequence[str] = ("",), why: str = "") -> Counterexample:
    """A packet of the set, with what becomes of it on each side, whose names are given.

    Raises:
        NotShown: nothing of the kind can be shown.
        Failure: POL902, the simulator says something else than the diagrams.
    """
    reason = ""
    for point in _points(grounds.space, members):
        witness = _without_given(grounds, witness_of(grounds.space, point))
        try:
            seen = tuple(_seen(grounds, side, name, place, point, witness) for side, name in enumerate(names))
        except NoReplay as error:
            reason = reason or f"{witness}: {error}"
            continue
        presumed = tuple(_presumed(grounds, place, point, witness))
        packet = tidy(_packet(grounds, place, point, witness), grounds.space.facts.reads)
        return Counterexample(packet, place.name, seen, presumed, why)
    raise NotShown(f"the simulator cannot be brought to a packet such as this one: {reason}")


def _packet(grounds: Grounds, place: Place, point: Point, witness: Witness) -> Packet:
    """The packet as a whole, or, where no simulator can be brought to that, with what either side asks of it."""
    try:
        return packet_of(witness, place.hook)
    except NoReplay:
        sides = range(len(grounds.sides))
        asked = {one for side in sides for one in _asked(grounds, grounds.outcomes(place, side), point)}
        return packet_of(asked_of(witness, [grounds.space.variables[one] for one in asked]), place.hook)


def _without_given(grounds: Grounds, witness: Witness) -> Witness:
    """Nothing is presumed of sets whose elements are given."""
    given = {name for side in grounds.sides for name in side.contents}
    return replace(witness, members=tuple(one for one in witness.members if one.set_name not in given))


def _points(space: Space, members: Set) -> Iterator[Point]:
    """What a person would expect first, then one of each of several parts of the set."""
    first = pick(space, members)
    if first is not None:
        yield first
    for _, path in islice(space.manager.paths(members), _MOST_TRIED):
        found = pick(space, space.manager.box(dict(path)))
        if found is not None:
            yield found


def _seen(grounds: Grounds, side: int, name: str, place: Place, point: Point, witness: Witness) -> Seen:
    said = grounds.space.manager.at(grounds.outcomes(place, side), point)
    assert isinstance(said, Outcome)
    simulated = grounds.replay(place, side, witness)
    if not agree(said, simulated):
        if grounds.hangs_on_choice(place, side, witness):
            raise NoReplay(CHOSEN)
        words = format_packet(packet_of(witness, place.hook))
        told = f"the diagrams say `{verdict_words(said.verdict)}`, and the simulator `{simulated.fate.value}`"
        message = f"of `{words}` in `{place.name}` {told}"
        raise Failure((Diagnostic("POL902", message),))
    return Seen(name, simulated)


def _presumed(grounds: Grounds, place: Place, point: Point, witness: Witness) -> Iterator[str]:
    """What memory has to say, of what anybody asks on the packet's way through the diagrams."""
    asked = {one for side in range(len(grounds.sides)) for one in _asked(grounds, grounds.outcomes(place, side), point)}
    told: set[str] = set()
    for number in sorted(asked):
        variable = grounds.space.variables[number]
        holds = bool(point.get(number, 0))
        words = ""
        if variable.of is Of.ANSWER and isinstance(variable.detail, tuple):
            match = variable.detail[1]
            words = f"`{field_of(match)} {wanted(match, grounds.family)}` {'holds' if holds else 'does not hold'}"
        elif variable.of is Of.MEMBER and isinstance(variable.detail, tuple):
            name, parts = variable.detail
            key = " . ".join(one.value for one in parts)
            words = f"its {key} is {'' if holds else 'not '}in the set `{name.name}`"
        if words and words not in told:
            told.add(words)
            yield words


def _asked(grounds: Grounds, function: Node, point: Point) -> Iterator[int]:
    manager = grounds.space.manager
    while (variable := manager.asks(function)) is not None:
        yield variable
        value = point.get(variable, 0)
        function = next(child for child, values in manager.branches(function) if value in values)
