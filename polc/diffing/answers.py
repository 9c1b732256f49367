"""Rulesets in which what nothing is known of answers as a point says: limits, sets, words of a tool's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from polc.diffing.packets import NoPacket
from polc.diffing.pick import Point
from polc.ir.intervals import Intervals
from polc.ir.matches import Match, OpaqueMatch, SetMatch
from polc.ir.ruleset import Rule, Ruleset
from polc.ir.selectors import Direction, Element, InterfacePattern, KeyValue, Selector, Side, Transport
from polc.ir.statements import UpdateSet
from polc.ir.stateful import Connections, EveryNth, Hits, Limit, Quota, RandomMatch, RecentMatch, RecentVerb
from polc.simulate import Packet
from polc.symbolic.space import Of, Space

Counting = Limit | Hits | Connections | Quota | RecentMatch | EveryNth | RandomMatch | OpaqueMatch


@dataclass(frozen=True, slots=True)
class Answers:
    """``answers`` of matches without name of their state and without direction; members of sets, by name and key."""

    answers: tuple[tuple[Match, bool], ...]
    members: tuple[tuple[str, tuple[Selector, ...], bool], ...]

    @property
    def usual(self) -> bool:
        """Whether a first packet is answered so anyway."""
        return not self.members and all(_first_answer(match) is holds for match, holds in self.answers)


def answers_of(space: Space, point: Point, asked: Iterable[int]) -> Answers:
    """What the point says, of the variables that anybody asks for.

    Raises:
        NoPacket: one packet would be answered differently at two places.
    """
    answers: dict[Match, bool] = {}
    members: list[tuple[str, tuple[Selector, ...], bool]] = []
    for number in asked:
        variable = space.variables[number]
        holds = point.get(number, 0) == 1
        if variable.of is Of.ANSWER and isinstance(variable.detail, tuple):
            match = variable.detail[1]
            if answers.setdefault(match, holds) is not holds:
                raise NoPacket("one limit would have to answer differently at two places")
        elif variable.of is Of.MEMBER and isinstance(variable.detail, tuple):
            name, key = variable.detail
            members.append((name, key, holds))
    return Answers(tuple(answers.items()), tuple(members))


def answering(ruleset: Ruleset, answers: Answers, packet: Packet) -> Ruleset:
    """The ruleset for one packet: rules keep their numbers, and one whose match does not hold is for no family."""
    if answers.usual:
        return ruleset
    known = {_bare(match): holds for match, holds in answers.answers}
    declared = {one.name for one in ruleset.sets}
    changed = {one.set_name for one in _statements(ruleset) if isinstance(one, UpdateSet)}
    fixed = {(name, key): holds for name, key, holds in answers.members if name not in changed or name not in declared}
    rules = [replace(one, rules=tuple(_rule(rule, known, fixed) for rule in one.rules)) for one in ruleset.chains]
    sets = tuple(
        replace(one, elements=tuple(_elements(one.name, answers, packet))) if one.name in changed else one
        for one in ruleset.sets
    )
    return replace(ruleset, chains=tuple(rules), sets=sets)


def _statements(ruleset: Ruleset) -> Iterator[object]:
    return (one for chain in ruleset.chains for rule in chain.rules for one in rule.statements)


def _rule(
    rule: Rule, known: dict[Match, bool], fixed: dict[tuple[str, tuple[Selector, ...]], bool]
) -> Rule:
    kept: list[Match] = []
    for match in rule.matches:
        holds = _holds(match, known, fixed)
        if holds is None:
            kept.append(match)
        elif not holds:
            return replace(rule, families=frozenset())
    return rule if len(kept) == len(rule.matches) else replace(rule, matches=tuple(kept))


def _holds(
    match: Match, known: dict[Match, bool], fixed: dict[tuple[str, tuple[Selector, ...]], bool]
) -> bool | None:
    """None: it is asked as it is."""
    if isinstance(match, SetMatch):
        held = fixed.get((match.set_name, match.key))
        return None if held is None else held is not match.negated
    if isinstance(match, Counting):
        held = known.get(_bare(match))
        turned = getattr(match, "over", False) or getattr(match, "negated", False)
        return None if held is None else held is not turned
    return None


def _bare(match: Match) -> Match:
    match match:
        case Limit() | Connections() | Quota():
            return replace(match, over=False, table="")
        case Hits():
            return replace(match, table="")
        case RandomMatch() | RecentMatch():
            return replace(match, negated=False)
        case _:
            return match


def _first_answer(match: Match) -> bool | None:
    """What a first packet is answered, asked the way in which answers are kept; None: nobody knows."""
    match match:
        case Limit() | Connections() | Quota():
            return True
        case Hits(count):
            return count == 1
        case RecentMatch(verb):
            return verb is RecentVerb.SET
        case EveryNth(_, packet):
            return packet == 0
        case _:
            return None


def _elements(name: str, answers: Answers, packet: Packet) -> Iterator[Element]:
    for of, key, holds in answers.members:
        if of == name and holds:
            yield tuple(_value(selector, packet) for selector in key)


def _value(selector: Selector, packet: Packet) -> KeyValue:
    values: dict[Selector, int | None] = {
        Side.SADDR: packet.saddr, Side.DADDR: packet.daddr, Transport.SPORT: packet.sport,
        Transport.DPORT: packet.dport, Transport.PROTOCOL: packet.protocol,
    }  # fmt: skip
    if isinstance(selector, Direction):
        return InterfacePattern(packet.iif if selector is Direction.IN else packet.oif)
    value = values.get(selector)
    if value is None:
        raise NoPacket(f"it takes an element of a set by `{selector.value}`")
    return Intervals.single(value)
