"""``vmap`` and ``map``: documents to elements, for each family that they are of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from polc.diagnostics import Label
from polc.ir.addresses import AddressSet
from polc.ir.family import BOTH, FAMILIES, Family
from polc.ir.selectors import Element
from polc.ir.verdicts import Accept, Drop, Goto, Jump, MapVerdict, Return, VerdictMap
from polc.policy.document import Entry, Map, RuleDocument
from polc.policy.lower.branches import Outcome
from polc.policy.lower.keys import Key, Value, key_of, values_of
from polc.policy.lower.overlaps import overlaps
from polc.policy.lower.scope import Scope
from polc.policy.lower.verdicts import verdict_of

_T = TypeVar("_T")


class Elements(NamedTuple, Generic[_T]):
    """The elements that packets of ``families`` can be in, and what each leads to."""

    families: frozenset[Family]
    elements: tuple[tuple[Element, _T], ...]


class _Row(NamedTuple, Generic[_T]):
    entry: Entry
    values: tuple[Value, ...]
    target: _T


def vmap_outcomes(rule: RuleDocument, scope: Scope) -> tuple[Outcome, ...]:
    """What a rule with `vmap` does, in each family where addresses are looked up; errors are recorded."""
    assert rule.verdict is not None
    assert rule.verdict.map is not None
    mapped = rule.verdict.map
    key = key_of(mapped.key, scope)
    # Names of chains are looked at even where the key is wrong.
    verdicts = {entry: _verdict(entry, scope) for entry in mapped.entries}

    def verdict(entry: Entry) -> MapVerdict | None:
        return verdicts[entry]

    if key is None:
        return ()
    found: tuple[Elements[MapVerdict], ...] = elements_of(mapped, key, verdict, scope)
    return tuple(Outcome((), VerdictMap(key.selectors, one.elements), one.families) for one in found)


def _verdict(entry: Entry, scope: Scope) -> MapVerdict:
    found = verdict_of(entry.verdict, None, scope)
    assert isinstance(found, Accept | Drop | Jump | Goto | Return)
    return found


def elements_of(
    mapped: Map, key: Key, leads_to: Callable[[Entry], _T | None], scope: Scope, families: frozenset[Family] = BOTH
) -> tuple[Elements[_T], ...]:
    """The elements of a map for each of ``families`` where addresses are looked up, else for all at once.

    None of them where something is wrong, which is recorded. ``leads_to`` gives what an element leads to, None where
    that is wrong and has been recorded.
    """
    own = key.families & families
    rows = [row for entry in mapped.entries if (row := _row(entry, key, leads_to(entry), own, scope)) is not None]
    groups = [frozenset({family}) for family in FAMILIES if family in own] if key.addresses else [own]
    found = []
    told: set[tuple[Entry, Entry]] = set()
    for group in groups:
        there = [(row, element) for row in rows if (element := _of_family(row.values, next(iter(group))))]
        _check_apart(there, told, scope)
        if there:
            found.append(Elements(group, tuple((element, row.target) for row, element in there)))
    return tuple(found) if len(rows) == len(mapped.entries) and not told else ()


def _row(entry: Entry, key: Key, target: _T | None, families: frozenset[Family], scope: Scope) -> _Row[_T] | None:
    parts, own = len(key.selectors), len(entry.place)
    if own != parts:
        message = f"this has {_counted(own)}, and the key {_counted(parts)}"
        hint = "parts are joined by ` . `, as in `192.0.2.1 . 22`" if own < parts else ""
        scope.collector.error("POL236", message, entry.span, help=hint, also=(Label(key.selection.span, "the key"),))
        return None
    found = values_of(entry.place, key, scope)
    if found is None or target is None:
        return None
    if not any(_of_family(found, family) for family in families):
        several = sum(isinstance(one, AddressSet) for one in found) > 1
        reason = "its addresses are of different families" if several else "its address is of another family"
        scope.collector.error("POL236", f"no packet is in this element: {reason}", entry.span)
        return None
    return _Row(entry, found, target)


def _counted(parts: int) -> str:
    return "one part" if parts == 1 else f"{parts} parts"


def _of_family(values: tuple[Value, ...], family: Family) -> Element | None:
    """The values with the addresses of one family, None where there are none."""
    found = []
    for one in values:
        if isinstance(one, AddressSet):
            one = one.of_family(family)
            if not one:
                return None
        found.append(one)
    return tuple(found)


def _check_apart(there: list[tuple[_Row[_T], Element]], told: set[tuple[Entry, Entry]], scope: Scope) -> None:
    """Record each element that has packets of another; ``told`` are those pairs of which that has been done."""
    for one, other in overlaps([element for _, element in there]):
        first, second = there[one][0].entry, there[other][0].entry
        if (first, second) in told:
            continue
        told.add((first, second))
        same = there[one][1] == there[other][1]
        ours, theirs = (" . ".join(word.text for word in entry.place) for entry in (second, first))
        message = f"`{ours}` is there twice" if same else f"`{ours}` has packets that are in `{theirs}` too"
        also = (Label(first.span, "first here" if same else "in here too"),)
        scope.collector.error("POL235", message, second.span, also=also)
