"""What rules and sets of nft's tables have counted and hold."""

from __future__ import annotations

from collections.abc import Iterator

from polc.backends.nft.json_value import Json, items, members
from polc.live.counted import Counted, Element, FilledSet
from polc.live.nft_change import matched
from polc.live.nft_elements import shown
from polc.live.nft_table import HeldRule, HeldTable


def counts(seen: HeldTable, wanted: HeldTable) -> Iterator[Counted]:
    """Of rules with a counter; the lines are those of ``wanted``, which a rule that has stayed may not name."""
    for chain, rules in seen.rules.items():
        there = wanted.rules.get(chain, [])
        pairs = matched(rules, there)
        for position, rule in enumerate(rules):
            origin = there[pairs[position]].comment if position in pairs else rule.comment
            yield from (Counted(origin, chain, *each) for each in _counters(rule))
    for (kind, name), one in seen.objects.items():
        if kind == "counter":
            yield Counted(f"counter {name}", "", _number(one.get("packets")), _number(one.get("bytes")))


def _counters(rule: HeldRule) -> Iterator[tuple[int, int]]:
    for one in items(rule.words.get("expr")):
        counter = members(one).get("counter")
        if isinstance(counter, dict):
            yield _number(counter.get("packets")), _number(counter.get("bytes"))


def lines(seen: HeldTable, wanted: HeldTable) -> dict[int, str]:
    """Today's lines of the rules that are there, by their handles."""
    found: dict[int, str] = {}
    for chain, rules in seen.rules.items():
        there = wanted.rules.get(chain, [])
        found.update((rules[one].handle, there[other].comment) for one, other in matched(rules, there).items())
    return found


def filled(seen: HeldTable, names: frozenset[str]) -> Iterator[FilledSet]:
    """The sets of these names, and those that rules fill."""
    for (kind, name), one in seen.objects.items():
        if kind == "set" and name in names | seen.filled():
            size = one.get("size")
            elements = tuple(_element(each) for each in items(one.get("elem", [])))
            yield FilledSet(name, size if isinstance(size, int) else None, elements)


def _element(one: Json) -> Element:
    inside = members(members(one).get("elem")) if isinstance(one, dict) else {}
    left = inside.get("expires")
    counter = inside.get("counter")
    packets = _number(counter.get("packets")) if isinstance(counter, dict) else None
    return Element(shown(one), left if isinstance(left, int) else None, packets)


def _number(value: Json) -> int:
    return value if isinstance(value, int) else 0
