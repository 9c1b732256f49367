"""Matches with memory: what they answer is a variable of its own, one for each time that a packet asks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from polc.ir.flavour import Flavour
from polc.ir.intervals import Intervals
from polc.ir.matches import OpaqueMatch, SetMatch
from polc.ir.ruleset import Ruleset
from polc.ir.selectors import Element, Selector
from polc.ir.stateful import Connections, EveryNth, Hits, KeyField, Limit, Quota, RandomMatch, RecentMatch, RecentVerb
from polc.ir.verdicts import Drop
from polc.symbolic.diagram import HOLDS, NONE
from polc.symbolic.fields import Fields
from polc.symbolic.outcome import Effect, Evaluated, Step, Unknown, Way
from polc.symbolic.sequence import then
from polc.symbolic.space import Of, Set, Space, Variable
from polc.symbolic.states import MOST_TIMES, Counting, State

_PORTS = (KeyField.SPORT, KeyField.DPORT)


class Answers:
    """Asks stateful matches of one ruleset. ``watched``: that one was asked is part of what comes of it.

    Assumed are tables and lists that have room for every key (what a full one does differs between targets), and that
    one packet's answers at one place are the same on both sides of a comparison.
    """

    def __init__(self, fields: Fields, flavour: Flavour, *, watched: bool) -> None:
        self.space: Space = fields.space
        self.fields = fields
        self.flavour = flavour
        self.watched = watched

    def ask(self, match: Counting, state: State, held: int) -> int:
        """The function that asks and goes on with ``held`` where the match holds; where it does not, or nobody can be
        asked, the packet goes on with the next rule.
        """
        manager = self.space.manager
        effects: tuple[Effect, ...] = (Evaluated(state.name),) if self.watched else ()
        if state.most == 1:
            found = self._asked(match, state, 0, Step(Way.ON, (), effects), held)
        else:
            times = self.space.variable(Of.TIMES, state.name, MOST_TIMES)
            found = NONE
            for turn in range(min(state.most, MOST_TIMES)):
                asked = self._asked(match, state, turn, Step(Way.ON, ((times.number, turn + 1),), effects), held)
                found = manager.over(found, manager.where(self.space.within(times, turn), asked))
            if state.most > MOST_TIMES:
                often = manager.leaf(Step(Unknown(f"a packet asks more than {MOST_TIMES} times for {state}")))
                found = manager.over(found, manager.where(self.space.within(times, MOST_TIMES), often))
        keyed, dropped = self._guards(match)
        found = manager.where(keyed, found)
        return manager.over(found, manager.where(dropped, manager.leaf(Step(Drop())))) if dropped != NONE else found

    def _asked(self, match: Counting, state: State, turn: int, step: Step, held: int) -> int:
        manager = self.space.manager
        asked = NONE if step.ending(Way.ON) is None else manager.leaf(step)
        yes = self._holds(match, state, turn)
        return manager.either(yes, then(manager, asked, held), asked)

    def _holds(self, match: Counting, state: State, turn: int) -> Set:
        match match:
            case RandomMatch(threshold, negated) if threshold in (0, 1 << 31):
                return HOLDS if (threshold > 0) is not negated else NONE
            case RecentMatch(RecentVerb.SET, negated=negated):
                return NONE if negated else HOLDS
            case _:
                asked, turned = normal(match)
                return self._answer(asked, state, turn, turned)

    def _answer(self, asked: Counting, state: State, turn: int, negated: bool) -> Set:
        return self.space.within(self.space.variable(Of.ANSWER, (state.name, asked, turn)), int(not negated))

    def _guards(self, match: Counting) -> tuple[Set, Set]:
        """Packets that have the key, and those that are dropped because they have none."""
        match match:
            case Limit(key=key) | Connections(key=key) if self.flavour is Flavour.NFT and any(
                part.field in _PORTS for part in key
            ):
                return self.fields.ported, NONE
            case Connections():
                # No tuple, no count: the packet is dropped (net/netfilter/nft_connlimit.c, nft_connlimit_do_eval;
                # xt_connlimit.c, connlimit_mt).
                return self.fields.whole, self.space.manager.complement(self.fields.whole)
            case _:
                return HOLDS, NONE


def normal(match: Counting) -> tuple[Counting, bool]:
    """The match without its table, ``over`` and ``negated``, and whether its answer is turned."""
    match match:
        case Limit(over=over) | Connections(over=over) | Quota(over=over):
            return replace(match, over=False, table=""), over
        case Hits():
            return replace(match, table=""), False
        case RandomMatch(negated=negated) | RecentMatch(negated=negated):
            return replace(match, negated=False), negated
        case EveryNth() | OpaqueMatch():
            return match, False
        case _:
            assert_never(match)


@dataclass(frozen=True, slots=True)
class SetName:
    """A named set of a ruleset, which is one of a host's by ``place``. ``elements`` are those of the beginning, where
    rulesets of a comparison disagree about them: such sets are different ones.
    """

    place: int
    name: str
    elements: tuple[Element, ...] = ()


def set_name(space: Space, ruleset: Ruleset, place: int, name: str) -> SetName:
    """What the set of a ruleset is called in its space."""
    begun = [_elements(one, name) for one in space.rulesets]
    own = _elements(ruleset, name)
    return SetName(place, name, own if any(one not in (None, own) for one in begun) and own is not None else ())


def _elements(ruleset: Ruleset, name: str) -> tuple[Element, ...] | None:
    for one in ruleset.sets:
        if one.name == name:
            parts = [part for element in one.elements for part in element]
            if len(one.types) == 1 and all(isinstance(part, Intervals) for part in parts):
                ranges = (pair for part in parts if isinstance(part, Intervals) for pair in part.ranges)
                return ((Intervals.of(ranges),),)
            return tuple(sorted(one.elements, key=repr))
    return None


class Members:
    """Membership in named sets of a ruleset: a variable for each set and key.

    Assumed is that nobody else changes a set while one packet is on its way, and that on both sides of a comparison the
    same has happened to it before.
    """

    def __init__(self, fields: Fields, ruleset: Ruleset, place: int) -> None:
        self.space = fields.space
        self.fields = fields
        self._ruleset = ruleset
        self._place = place
        self._names: dict[str, SetName] = {}

    def variable(self, name: str, key: tuple[Selector, ...]) -> Variable:
        """Whether the packet's key is in a set."""
        if name not in self._names:
            self._names[name] = set_name(self.space, self._ruleset, self._place, name)
        return self.space.variable(Of.MEMBER, (self._names[name], key))

    def all(self) -> list[Variable]:
        """One for each of the sets and whatever keys any ruleset looks up in it."""
        asked = self.space.facts.sets
        names = [one.name for one in self._ruleset.sets if one.name in asked]
        return [self.variable(name, key) for name in names for key in sorted(asked[name], key=str)]

    def of(self, match: SetMatch) -> Set:
        """The packets that meet the match."""
        manager = self.space.manager
        key = self.fields.key(match.key)
        held = self.space.within(self.variable(match.set_name, match.key), 1)
        return manager.where(key, manager.complement(held) if match.negated else held)
