"""The difference of two firewalls: regions of packets, each with a witness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from polc.diffing.changes import Change, Kind
from polc.diffing.model import Difference, Region
from polc.diffing.names import Names, joined
from polc.diffing.narrow import narrowed
from polc.diffing.search import Part, Search
from polc.diffing.shapes import Shape, merged, shape_of
from polc.diffing.sides import Options, Side
from polc.diffing.witness import Replays, Unshown, show
from polc.ir.family import FAMILIES
from polc.ir.matches import CtState, CtStateMatch
from polc.ir.ruleset import Rule, Ruleset
from polc.ir.stateful import RecentMatch
from polc.proving.prepare import of_family
from polc.symbolic.atoms import Names as Interfaces

_Shaped = tuple[Shape, list[Part]]
_Sides = tuple[tuple[Ruleset, ...], tuple[Ruleset, ...]]


def difference(before: Side, after: Side, options: Options | None = None) -> Difference:
    """What the two treat differently; both see the packets of the families of which both say something.

    Raises:
        Failure: POL902: the simulator does not confirm what was found.
    """
    options = options or Options()
    families = tuple(one for one in FAMILIES if one in before.families & after.families)
    names = joined(before.names, after.names)
    whole: _Sides = before.rulesets, after.rulesets
    pair: _Sides | None = whole
    if before.flavours == after.flavours and before.given == after.given:
        pair = narrowed(*whole)
    searches: list[Search] = []
    found: dict[tuple[str, Change], list[_Shaped]] = {}
    for family in families if pair is not None else ():
        assert pair is not None
        left, right = (tuple(of_family(one, family) for one in own) for own in pair)
        names = replace(names, lists={**_lists(pair, (left, right)), **names.lists})
        search = Search(family, (before, after), (left, right), options)
        searches.append(search)
        for part in search.run():
            shape = shape_of(part.space, part.box, names)
            found.setdefault((part.road.name, part.change), []).append((shape, [part]))
    regions = [one for shapes in found.values() for one in merged(shapes, names)]
    regions.sort(key=_weighed)
    interfaces = next((one.space.interfaces for one in searches if one.space is not None), Interfaces(("",)))
    replays = Replays((before.loaded, after.loaded), interfaces.words)
    return Difference(
        tuple(_region(*one, replays, names) for one in regions[: options.most or None]),
        len(regions),
        all(one.complete for one in searches),
        tuple(dict.fromkeys(words for one in searches for words in one.undecided)),
        tuple(dict.fromkeys(words for one in searches for words in one.assumed)),
        families,
        interfaces,
        names,
        any(_asks_states(one) for side in whole for one in side),
        _tally(parts[0].change for _, parts in regions),
    )


def _weighed(one: _Shaped) -> tuple[int, bool, float]:
    """What a reader has to know first, and of that the biggest."""
    shape, parts = one
    later = shape.states is not None and CtState.NEW not in shape.states
    return _rank(parts[0].change), later, -sum(part.weight for part in parts)


def _region(shape: Shape, parts: list[Part], replays: Replays, names: Names) -> Region:
    """The region with the first of its packets that can be shown."""
    witness, reason = None, ""
    for part in parts:
        manager = part.space.manager
        members = manager.where(manager.box(part.box), part.members)
        shown = show(part.space, part.road, members, part.functions, replays, names)
        if not isinstance(shown, Unshown):
            witness, reason = shown, ""
            break
        reason = reason or shown.reason
    return Region(parts[0].road, parts[0].change, shape, sum(part.weight for part in parts), witness, reason)


_RANKS = ("newly accepted", "no longer accepted", "otherwise")


def _rank(change: Change) -> int:
    if change.kind is not Kind.VERDICT or "accept" not in (change.before, change.after):
        return 2
    return int(change.before == "accept")


def _tally(changes: Iterable[Change]) -> tuple[tuple[str, int], ...]:
    """How many regions are let through now, how many no longer, and how many are something else."""
    counts = Counter(_rank(one) for one in changes)
    return tuple((words, counts[rank]) for rank, words in enumerate(_RANKS))


def _asks_states(ruleset: Ruleset) -> bool:
    return any(
        isinstance(match, CtStateMatch) for chain in ruleset.chains for rule in chain.rules for match in rule.matches
    )


def _lists(whole: _Sides, prepared: _Sides) -> dict[str, str]:
    """What lists of addresses are called that go by numbers in prepared rulesets."""
    called = {(id(rule.origin), at): match.name for rule, at, match in _recent(whole)}
    found: dict[str, str] = {}
    for rule, at, match in _recent(prepared):
        found.setdefault(match.name, called.get((id(rule.origin), at), match.name))
    return found


def _recent(sides: _Sides) -> Iterator[tuple[Rule, int, RecentMatch]]:
    for chain in (chain for side in sides for ruleset in side for chain in ruleset.chains):
        for rule in chain.rules:
            asked = [one for one in rule.matches if isinstance(one, RecentMatch)]
            for at, match in enumerate(asked):
                yield rule, at, match
