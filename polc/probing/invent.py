"""Elements for sets that nothing fills, so that rules which ask for members have packets: where a firewall is at work
others put them in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from polc.analysis.walk import Step
from polc.backends.iptables import fill as fill_iptables
from polc.backends.iptables.extensions.words import Refused as NoMember
from polc.backends.nft import fill as fill_nft
from polc.backends.nft.refused import Refused as NoForm
from polc.ir.family import Family
from polc.ir.filling import Filling, can_hold, have_common, table_of
from polc.ir.matches import SetMatch
from polc.ir.ruleset import BaseChain, DynamicSet, Ruleset
from polc.ir.selectors import Element, Selector
from polc.ir.statements import SetOperation, UpdateSet
from polc.probing.build import build, holds
from polc.probing.keys import part_of, widened
from polc.probing.model import Place
from polc.probing.paths import PATHS, Links
from polc.simulate.packet import Packet

Ways = Mapping[Place, Sequence[tuple[BaseChain, Step]]]

_WAYS = 8
_FIRST, _APART = 96, 16
"""Serial numbers of members, which are as far from each other as the widest element that is made."""

_NO_KEY = "no packet that it asks for has such a key as `{}`, which nothing fills"


def unfilled(ruleset: Ruleset) -> frozenset[str]:
    """The sets that have no elements, and to which no rule adds any."""
    added = {
        one.set_name
        for chain in ruleset.chains
        for rule in chain.rules
        for one in rule.statements
        if isinstance(one, UpdateSet) and one.operation is not SetOperation.DELETE
    }
    return frozenset(one.name for one in ruleset.sets if not one.elements and one.name not in added)


def wanting(ruleset: Ruleset, ways: Ways, unmet: Collection[Place]) -> list[Place]:
    """The rules that ask for members of such sets, or for what is none; and, where there are such, all that are met by
    nothing: of who is in no set another rule may take every packet.
    """
    empty = unfilled(ruleset)
    asking = [
        place for place, pairs in ways.items() if any(_asks(step.rule.matches, empty) for _, step in pairs[:_WAYS])
    ]
    if not asking:
        return []
    there = {*asking, *unmet}
    return [place for place in ways if place in there]


def is_asking(empty: frozenset[str], ways: Sequence[tuple[BaseChain, Step]]) -> bool:
    """Whether members of such sets are asked for, or what is none, by a rule or on the way to it."""
    return any(_asks(step.whole.matches, empty) for _, step in ways[:_WAYS])


def asked_of(empty: frozenset[str], ways: Sequence[tuple[BaseChain, Step]]) -> Iterator[str]:
    """Those of which a rule asks for a member."""
    for _, step in ways:
        for one in step.whole.matches:
            if isinstance(one, SetMatch) and not one.negated and one.set_name in empty:
                yield one.set_name


def _asks(matches: Sequence[object], empty: frozenset[str]) -> bool:
    return any(isinstance(one, SetMatch) and one.set_name in empty for one in matches)


@dataclass(slots=True)
class Inventor:
    """For one ruleset. ``reasons`` say of rules why nothing was invented for them."""

    ruleset: Ruleset
    links: Links
    seed: int = 0
    elements: dict[str, list[Element]] = field(default_factory=dict)
    reasons: dict[Place, str] = field(default_factory=dict)
    _keys: set[tuple[str, tuple[Selector, ...]]] = field(default_factory=set)
    _empty: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._empty = unfilled(self.ruleset)

    @property
    def fillings(self) -> tuple[Filling, ...]:
        sets = {one.name: one for one in self.ruleset.sets}
        table = table_of(self.ruleset)
        return tuple(Filling(table, name, sets[name].types, tuple(some)) for name, some in self.elements.items())

    def invent(self, place: Place, ways: Sequence[tuple[BaseChain, Step]]) -> None:
        """Elements for the sets of a rule: for those that it asks for a member of an element in all of them, and for
        those that it asks for what is no member another one, which is in the others too.
        """
        reason = ""
        for base, step in ways[:_WAYS]:
            asked = [one for one in step.whole.matches if isinstance(one, SetMatch) and one.set_name in self._empty]
            if not asked:
                continue
            if all((one.set_name, one.key) in self._keys for one in asked) and len(asked) == 1:
                return
            done = [self._member(base, step, family, asked) for family in _families(step, asked, self.ruleset)]
            if any(one == "" for one in done):
                return
            reason = reason or next((one for one in done if one), "")
        if reason:
            self.reasons[place] = reason

    def _member(self, base: BaseChain, step: Step, family: Family, asked: Sequence[SetMatch]) -> str:
        """Empty: it was put in; else why it was not."""
        others = tuple(one for one in step.whole.matches if one not in asked)
        wanted = [one for one in asked if not one.negated]
        excluded = [one for one in asked if one.negated]
        reason = ""
        for path in PATHS[base.hook]:
            serial = self.seed * 131 + _FIRST + _APART * sum(map(len, self.elements.values()))
            made = [build(path, family, others, self.links, serial + _APART * at) for at in range(1 + len(excluded))]
            packets = [one for one in made if one is not None and all(holds(match, one) for match in others)]
            if len(packets) < len(made):
                reason = reason or "no packet can be made that is as it asks"
                continue
            first, *more = packets
            new = [(one, packet) for one in wanted for packet in (first, *more)]
            new += list(zip(excluded, more, strict=True))
            problems = [problem for one, packet in new if (problem := self._put(one, packet))]
            if not problems:
                return ""
            reason = reason or problems[0]
        return reason

    def _put(self, match: SetMatch, packet: Packet) -> str:
        one = next(each for each in self.ruleset.sets if each.name == match.set_name)
        parts = [part_of(packet, selector) for selector in match.key]
        narrow = tuple(part for part in parts if part is not None)
        if len(narrow) < len(parts):
            return _NO_KEY.format(one.name)
        there = self.elements.setdefault(one.name, [])
        reason = _NO_KEY.format(one.name)
        wide = tuple(widened(*pair) for pair in zip(one.types, narrow, strict=True)) if one.intervals else narrow
        for element in dict.fromkeys((wide, narrow)):
            if any(have_common(element, other) for other in there):
                reason = "" if any(_is_in(narrow, other) for other in there) else reason
            elif not can_hold(one, element) or (one.size is not None and len(there) >= one.size):
                reason = f"there is no room in `{one.name}`, which nothing fills" if can_hold(one, element) else reason
            elif problem := self._unspelled(one, element):
                reason = problem
            else:
                there.append(element)
                reason = ""
            if not reason:
                self._keys.add((one.name, match.key))
                return ""
        if not there:
            del self.elements[one.name]
        return reason

    def _unspelled(self, one: DynamicSet, element: Element) -> str:
        """Why a target that has the set has no words for the element."""
        sets = (DynamicSet(one.name, one.types, one.size, one.timeout, one.origin, (element,), one.intervals),)
        try:
            fill_nft.commands(self.ruleset, sets)
        except NoForm as refused:
            return f"nothing fills `{one.name}`: {refused.reason}"
        try:
            fill_iptables.commands(self.ruleset, sets)
        except NoMember as refused:
            # Of a set that is none on iptables nothing is loaded there.
            return f"nothing fills `{one.name}`: {refused.difference.message}" if _is_of_element(refused) else ""
        return ""


def _is_of_element(refused: NoMember) -> bool:
    return refused.difference.name == "set-element"


def _families(step: Step, asked: Sequence[SetMatch], ruleset: Ruleset) -> Iterator[Family]:
    sets = {one.name: one for one in ruleset.sets}
    families = step.whole.families
    for one in asked:
        families &= sets[one.set_name].families
    yield from sorted(families, key=lambda one: one.value)


def _is_in(narrow: Element, other: Element) -> bool:
    return have_common(narrow, other)
