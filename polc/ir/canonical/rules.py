"""Rules of one family as lines: what is asked, and what is done then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby, product

from polc.ir.canonical.actions import has_beginning, nameless, statement, verdict
from polc.ir.canonical.matches import SYN, Alternatives, alternatives, disjoint, ports_of, together
from polc.ir.canonical.words import words
from polc.ir.family import Family
from polc.ir.matches import STATEFUL, ElementMatch, Match, SetMatch, TraitMatch
from polc.ir.ruleset import Chain, DynamicSet, Rule
from polc.ir.selectors import Selector
from polc.ir.stateful import Connections, EveryNth, Hits, Limit, Quota, RandomMatch
from polc.ir.statements import ClampMss, MapMark, Statement, UpdateSet
from polc.ir.verdicts import Accept, Drop, Jump, Nat, NatMap, Reject, Return, Verdict, VerdictMap

State = tuple[str, ...]
"""What tells state from other state: its name and family, or its place."""


@dataclass(frozen=True, slots=True)
class Action:
    """What a rule counts and does: the stateful matches with what tells their state, then statements and verdict."""

    counted: tuple[tuple[Match, State], ...]
    statements: tuple[Statement, ...]
    verdict: Verdict | None

    @property
    def ends(self) -> bool:
        """Whether every packet that is asked about goes no further in any chain."""
        return not self.counted and isinstance(self.verdict, Accept | Drop | Reject)


@dataclass(frozen=True, slots=True)
class Line:
    """``asked`` are the ``matches`` in words."""

    asked: frozenset[str]
    action: Action
    matches: tuple[Match, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A rule, and where it stands in its ruleset, which is what tells state that has no name."""

    rule: Rule
    place: State


@dataclass(frozen=True, slots=True)
class Inlined:
    """Regular chains and sets that stand in the rules that name them."""

    chains: Mapping[str, Chain]
    sets: Mapping[str, DynamicSet]


def lines(chain: Chain, family: Family, inlined: Inlined) -> list[Line]:
    """The rules for packets of the family. Neighbours that do the same commute, and stand sorted."""
    found: list[Line] = []
    for number, rule in enumerate(chain.rules):
        for group in _expanded(_Placed(rule, (chain.name, str(number))), inlined.chains):
            found += _without_covered([line for one in group for line in _split(one, family, inlined.sets)])
    ordered: list[Line] = []
    for _, same in groupby(found, key=lambda line: line.action):
        ordered += sorted(dict.fromkeys(same), key=_order)
    return [line for translates, some in groupby(ordered, key=_translates) for line in _exchanged(some, translates)]


def _order(line: Line) -> list[str]:
    return sorted(line.asked)


def _translates(line: Line) -> bool:
    """Whether it is NAT and nothing more."""
    return isinstance(line.action.verdict, Nat) and not line.action.counted and not line.action.statements


_MOST_EXCHANGED = 256


def _exchanged(some: Iterable[Line], translates: bool) -> list[Line]:
    """NAT in one order, of the neighbours that no packet meets both: a map of nft has none, rules have one."""
    found = list(some)
    if not translates or len(found) > _MOST_EXCHANGED:
        return found
    for end in range(1, len(found)):
        for at in range(end, 0, -1):
            before, line = found[at - 1], found[at]
            if _order(before) <= _order(line) or not disjoint(before.matches, line.matches):
                break
            found[at - 1], found[at] = line, before
    return found


def _expanded(placed: _Placed, inlined: Mapping[str, Chain]) -> Iterator[list[_Placed]]:
    """A rule, or those of the chain that it jumps to, asked what it asks. Chains lead to each other in no circle."""
    rule = placed.rule
    match rule.verdict:
        case Jump(name) if name in inlined and not rule.statements and not _counted(rule):
            below = _below(rule, inlined[name])
            if below is not None:
                yield [inner for one in below for group in _expanded(one, inlined) for inner in group]
                return
        case _:
            pass
    yield [placed]


def _below(rule: Rule, chain: Chain) -> list[_Placed] | None:
    """The rules of a chain below a rule; None: one of them returns in a way that no match can say."""
    found: list[_Placed] = []
    matches = rule.matches
    for number, inner in enumerate(chain.rules):
        if inner.verdict == Return():
            # A trait is there or not, of every packet: not to have returned is to have it the other way.
            match inner.matches, inner.statements:
                case (TraitMatch() as trait,), ():
                    matches = (*matches, replace(trait, negated=not trait.negated))
                case _:
                    return None
            continue
        asked = replace(inner, matches=(*matches, *inner.matches), families=inner.families & rule.families)
        found.append(_Placed(asked, (chain.name, str(number))))
    return found


def _counted(rule: Rule) -> bool:
    return any(isinstance(match, STATEFUL) for match in rule.matches)


def _split(placed: _Placed, family: Family, sets: Mapping[str, DynamicSet]) -> Iterator[Line]:
    """The rule for the family, once for each of the services and interfaces that it speaks of."""
    rule = placed.rule
    if family not in rule.families:
        return
    stateless = [match for match in rule.matches if not isinstance(match, STATEFUL)]
    options = [alternatives(_listed(match, sets), family) for match in stateless]
    counted = tuple(
        (nameless(match, family), _state(match, (*placed.place, str(number)), family))
        for number, match in enumerate(rule.matches)
        if isinstance(match, STATEFUL) and not _always(match)
    )
    for one in _apart(rule):
        options_of_keys = [ports_of(key) for key in _keys(one)]
        done = tuple(statement(each) for each in one.statements)
        action = Action(counted, done, verdict(one.verdict, family))
        if not action.counted and not action.statements and action.verdict is None:
            continue
        clamps = [SYN] if any(isinstance(each, ClampMss) for each in one.statements) else []
        for end, beside in _ends(action, family):
            for chosen in product(*options, *options_of_keys, beside):
                asked = together([*(match for each in chosen for match in each), *clamps])
                if asked is not None:
                    yield Line(frozenset(words(match) for match in asked), end, tuple(asked))


def _always(match: Match) -> bool:
    """Whether it is a chance that never fails, for which nft has no words."""
    return isinstance(match, RandomMatch) and match.always


def _keys(rule: Rule) -> Iterator[tuple[Selector, ...]]:
    """The keys by which a rule looks something up, or changes it."""
    for one in rule.statements:
        if isinstance(one, UpdateSet | MapMark):
            yield one.key
    if isinstance(rule.verdict, VerdictMap | NatMap):
        yield rule.verdict.key


def _ends(action: Action, family: Family) -> Iterator[tuple[Action, Alternatives]]:
    """A map of NAT as the NAT of each of its elements, with what a packet is asked for that; a map of verdicts so where
    one of its elements is a beginning of names, which nft has no maps of.
    """
    match action.verdict:
        case NatMap(kind, key, elements, of, random, persistent):
            for element, target in elements:
                nat = Nat(kind, of, target.addresses, target.ports, random, persistent)
                yield replace(action, verdict=nat), alternatives(ElementMatch(key, (element,)), family)
        case VerdictMap(key, pairs) if has_beginning(element for element, _ in pairs):
            for element, one in pairs:
                yield replace(action, verdict=one), alternatives(ElementMatch(key, (element,)), family)
        case _:
            yield action, [[]]


def _listed(match: Match, sets: Mapping[str, DynamicSet]) -> Match:
    """A look into a set that stands in the rules, as the elements of it."""
    match match:
        case SetMatch(key, name, negated) if name in sets:
            return ElementMatch(key, sets[name].elements, negated)
        case _:
            return match


def _apart(rule: Rule) -> tuple[Rule, ...]:
    """A clamp is for some packets of a rule alone, and stands before what it does to all."""
    clamps = tuple(one for one in rule.statements if isinstance(one, ClampMss))
    rest = tuple(one for one in rule.statements if not isinstance(one, ClampMss))
    if not clamps or not (rest or rule.verdict):
        return (rule,)
    return replace(rule, statements=clamps, verdict=None), replace(rule, statements=rest)


def _state(match: Match, place: State, family: Family) -> State:
    match match:
        case Limit(table=name) | Hits(table=name) | Connections(table=name) | Quota(table=name):
            return (type(match).__name__, name, family.value)
        case EveryNth():
            return place
        case _:
            return ()


def _without_covered(found: list[Line]) -> list[Line]:
    """Without lines that ask for all that an earlier one asks for, after which no packet goes on."""
    kept: list[Line] = []
    for line in found:
        if not any(one.action.ends and one.asked <= line.asked for one in kept):
            kept.append(line)
    return kept
