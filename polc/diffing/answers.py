"""What a point presumes of what no packet shows: limits, members of sets, words of a tool's own, routes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

from polc.diffing.pick import Point
from polc.diffing.roads import Road
from polc.ir.matches import AddressType, AddressTypeMatch, Match, OpaqueMatch, ReversePathMatch, SetMatch
from polc.ir.ruleset import Hook, Ruleset
from polc.ir.selectors import Selector, Side
from polc.ir.stateful import Connections, EveryNth, Hits, Limit, Quota, RandomMatch, RecentMatch, RecentVerb
from polc.ir.statements import UpdateSet
from polc.symbolic.answers import SetName, normal
from polc.symbolic.space import TYPES, Of, Space, Variable
from polc.symbolic.states import Counting

_Answer = tuple[object, Match, int]
_Member = tuple[SetName, tuple[Selector, ...]]
_Type = tuple[str, str | None]
"""Details of variables (polc.symbolic.answers)."""


class NoPacket(Exception):
    """The simulator has no such packet; the message says what it would take."""


@dataclass(slots=True)
class Answers:
    """``stateful`` are answers of matches without their direction; ``members`` of sets, by name and key; ``routes`` and
    ``types`` what the routing table says. ``numbers`` are the variables that say something which a first packet to a
    host with empty sets would not be answered anyway. ``chosen``: something hangs on what the kernel chooses.
    """

    stateful: dict[Match, bool] = field(default_factory=dict)
    members: dict[tuple[str, tuple[Selector, ...]], bool] = field(default_factory=dict)
    routes: dict[object, bool] = field(default_factory=dict)
    types: dict[object, AddressType | None] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)
    chosen: bool = False


def answers_of(space: Space, road: Road, point: Point, asked: Iterable[int]) -> Answers:
    """What the point says, of the variables that anybody asks for.

    Raises:
        NoPacket: one limit would be answered differently at two places.
    """
    found = Answers()
    for number in asked:
        variable = space.variables[number]
        value = point.get(number, 0)
        holds = value == 1
        match variable.of:
            case Of.ANSWER:
                match = cast(_Answer, variable.detail)[1]
                if found.stateful.setdefault(match, holds) is not holds:
                    raise NoPacket("one limit would have to answer differently at two places")
                if _first_answer(match) is not holds:
                    found.numbers.append(number)
            case Of.MEMBER:
                of, key = cast(_Member, variable.detail)
                if found.members.setdefault((of.name, key), holds) is not holds:
                    raise NoPacket("one address would have to be in a set of one side and not in that of the other")
                if holds:
                    found.numbers.append(number)
            case Of.ROUTE:
                found.routes[variable.detail] = holds
                if not holds:
                    found.numbers.append(number)
            case Of.ADDRESS_TYPE:
                found.types[variable.detail] = TYPES[value]
                away = road.goes_out if cast(_Type, variable.detail)[0] == Side.DADDR.value else road.comes_in
                if TYPES[value] is not (AddressType.UNICAST if away else AddressType.LOCAL):
                    found.numbers.append(number)
            case Of.LATE:
                _late(space, variable, point, found)
            case _:
                pass
    return found


def _late(space: Space, variable: Variable, point: Point, found: Answers) -> None:
    """What is there behind NAT (polc.symbolic.translation)."""
    match variable.detail:
        case (Of() as of, Hook()):
            if point.get(variable.number, 0) != point.get(space.variable(of).number, 0):
                raise NoPacket("it takes a flow that NAT has changed before")
        case _:
            found.chosen = True


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
        case RandomMatch() | OpaqueMatch():
            return None
        case _:
            return None


class Presumption:
    """Answers matches for a simulator, as ``answers`` say at the moment."""

    def __init__(self, rulesets: Sequence[Ruleset]) -> None:
        self.answers = Answers()
        self._changed = frozenset(
            one.set_name
            for ruleset in rulesets
            for chain in ruleset.chains
            for rule in chain.rules
            for one in rule.statements
            if isinstance(one, UpdateSet)
        )

    def __call__(self, ruleset: Ruleset, chain: str, number: int, at: int, match: Match) -> bool | None:
        """None: the match answers by itself."""
        answers = self.answers
        match match:
            case SetMatch(key, name, negated):
                held = answers.members.get((name, key))
                if held is None or (not held and name in self._changed):
                    # What rules put in on the packet's way counts.
                    return None
                return held is not negated
            case ReversePathMatch(loose, passes):
                there = answers.routes.get("loose" if loose else "strict")
                return None if there is None else there is passes
            case AddressTypeMatch(side, types, negated, interface):
                detail = (side.value, interface.value if interface else None)
                if detail not in answers.types:
                    return None
                return (answers.types[detail] in types) is not negated
            case _ if isinstance(match, Counting):
                asked, turned = normal(match)
                answer = answers.stateful.get(asked)
                return None if answer is None else answer is not turned
            case _:
                return None
