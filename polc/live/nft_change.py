"""The smallest change that makes one table of nft another, as commands of one transaction.

What is the same on both sides is not touched, so that it keeps what it remembers: counters, quotas, meters, limits, and
the elements that rules or people have added. Rules are the same when they mean the same (``NormalRule``). One that
remembers nothing is also replaced where its comment names another line of the policy than now; one that does stays, and
whoever reads comments finds today's line by its place (``polc.live.lines``).

An object of another definition (a set of another type or size, a base chain of another priority) is taken away and made
again, with the rules that name it; what was in a set that is filled at run time goes over where both take it.

A new rule is inserted before the next one that stays, by its handle. (`add` behind a handle is what
libnftables-json(5) has too, but nft 1.0.6 puts such a rule at the end of its chain.)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Final

from polc.backends.nft.json_value import Json, items, members
from polc.live.change import Action, Change, Part
from polc.live.common import common
from polc.live.nft_elements import Delta, delta, delta_of_filled, shown
from polc.live.nft_table import HeldRule, HeldTable, Name, added, additions, deleted, in_order

_ELEMENTS: Final = ("set", "map")
_SHOWN: Final = 3
Key = tuple[str, str]


def change(
    seen: dict[Name, HeldTable | None],
    wanted: dict[Name, HeldTable | None],
    filled: frozenset[str] = frozenset(),
    former: dict[Name, HeldTable | None] | None = None,
) -> Change:
    """What makes of the tables ``seen`` those ``wanted``; tables that are in ``seen`` alone stay.

    ``filled`` are sets that are filled at run time, beside those that rules fill: their elements are no difference.
    ``former`` is what was wanted before: what it put into such a set and ``wanted`` does not is taken out.
    """
    commands: list[Json] = []
    parts: list[Part] = []
    lost: list[str] = []
    renamed = 0
    for name, table in wanted.items():
        here = seen.get(name)
        whole: Json = {"family": name[0], "name": name[1]}
        shown = " ".join(name)
        if table is None:
            if here is not None:
                commands.append({"delete": {"table": whole}})
                parts.append(Part(Action.REMOVE, "table", shown))
                lost.append(f"all that table `{shown}` remembers: counters, and elements added at run time")
        elif here is None:
            commands += [{"add": {"table": whole}}, *additions(name, table)]
            parts += [Part(Action.ADD, "table", shown), *_all_of(table)]
        else:
            one = _TableChange(name, here, table, filled, (former or {}).get(name))
            commands += one.commands()
            parts += one.parts
            lost += one.lost
            renamed += one.renamed
    return Change(_text(commands), tuple(parts), tuple(lost), renamed)


def _text(commands: list[Json]) -> str:
    if not commands:
        return ""
    everything: list[Json] = [{"metainfo": {"json_schema_version": 1}}, *commands]
    lines = ",\n".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in everything)
    return f'{{"nftables":[\n{lines}\n]}}\n'


def _all_of(table: HeldTable) -> Iterator[Part]:
    for kind, name in table.objects:
        yield Part(Action.ADD, kind, name)
    for chain, rules in table.rules.items():
        yield from (_rule_part(Action.ADD, chain, rule) for rule in rules)


class _TableChange:
    """The change of one table that is there before and after."""

    def __init__(
        self, name: Name, seen: HeldTable, wanted: HeldTable, filled: frozenset[str], former: HeldTable | None
    ) -> None:
        self.name, self.seen, self.wanted, self.former = name, seen, wanted, former
        self.by_rules = wanted.filled()
        self.filled = filled | self.by_rules
        self.parts: list[Part] = []
        self.lost: list[str] = []
        self.renamed = 0

    def commands(self) -> list[Json]:
        gone = {key: one for key, one in self.seen.objects.items() if key not in self.wanted.defined}
        new = {key: one for key, one in self.wanted.objects.items() if key not in self.seen.defined}
        policies = dict(self._policies())
        again = {key for key in self.wanted.defined if key in self.seen.defined and self._remade(key)} - set(policies)
        self.parts += [Part(Action.REMOVE, kind, name) for kind, name in gone]
        self.parts += [Part(Action.REPLACE, kind, name) for kind, name in again]
        self.parts += [Part(Action.REPLACE, "policy", name, str(one["policy"])) for (_, name), one in policies.items()]
        self.parts += [Part(Action.ADD, kind, name) for kind, name in new]
        self._say_lost(gone)
        made = {**new, **{key: self._anew(key) for key in again}}
        deltas = {key: found for key in self._kept(again) if (found := self._delta(key))}
        for key, one in deltas.items():
            self.parts += self._element_parts(key, one)
        removals, placements = self._rules({name for _, name in again}, again)
        first = [self._deleted("element", key, one.gone) for key, one in deltas.items() if one.gone]
        then = [self._deleted(kind, (kind, name)) for (kind, name), _ in self._to_go(gone, again)]
        make = [added(self.name, kind, one) for (kind, _), one in in_order(made)]
        make += [added(self.name, "chain", one) for one in policies.values()]
        fill = [self._added_elements(key, one.new) for key, one in deltas.items() if one.new]
        return [*removals, *first, *then, *make, *fill, *placements]

    def _to_go(self, gone: dict[Key, dict[str, Json]], again: set[Key]) -> list[tuple[Key, dict[str, Json]]]:
        """Maps first, which name chains and objects."""
        every = {key: self.seen.objects[key] for key in (*gone, *again)}
        return [*in_order(every)][::-1]

    def _policies(self) -> Iterator[tuple[Key, dict[str, Json]]]:
        """Base chains of which nothing but the policy is another: that can be changed where they stand."""
        for key, what in self.wanted.defined.items():
            here = self.seen.defined.get(key)
            if key[0] != "chain" or not here or "policy" not in here or here["policy"] == what.get("policy"):
                continue
            if _with_devices_of(here, {**what, "policy": here["policy"]}) == here:
                yield key, self.wanted.objects[key]

    def _remade(self, key: Key) -> bool:
        here, there = self.seen.defined[key], self.wanted.defined[key]
        if key[0] == "chain":
            there = _with_devices_of(here, there)
        # A set is made for being filled by rules or not, and JSON before nft 1.1 does not list which.
        return here != there or (key[1] in self.by_rules - self.seen.filled() and key[0] == "set")

    def _anew(self, key: Key) -> dict[str, Json]:
        """An object again; a set that is filled at run time with what is in it, where it still can be."""
        one, before = self.wanted.objects[key], self.seen.objects[key]
        if key[0] != "set" or key[1] not in self.filled or not before.get("elem"):
            return one
        if one.get("type") != before.get("type"):
            self.lost.append(f"{len(items(before['elem']))} elements of set `{key[1]}`, whose type changes")
            return one
        kept = [_carried(each, "timeout" in items(one.get("flags", []))) for each in items(before["elem"])]
        size = one.get("size")
        if isinstance(size, int) and len(kept) > size:
            self.lost.append(f"{len(kept) - size} elements of set `{key[1]}`, which gets smaller")
            kept = kept[:size]
        found = delta_of_filled({**before, "elem": kept}, one, None)
        return {**one, "elem": [*kept, *found.new]}

    def _kept(self, again: set[Key]) -> Iterator[Key]:
        for key in self.wanted.defined:
            if key[0] in _ELEMENTS and key in self.seen.defined and key not in again:
                yield key

    def _delta(self, key: Key) -> Delta:
        here, there = self.seen.objects[key], self.wanted.objects[key]
        if key[1] in self.filled:
            return delta_of_filled(here, there, self.former.objects.get(key) if self.former else None)
        return delta(here, there, lossy=self.seen.lossy)

    def _deleted(self, kind: str, key: Key, some: Iterable[Json] = ()) -> Json:
        elements: dict[str, Json] = {"elem": [*some]} if kind == "element" else {}
        return deleted(self.name, kind, {"name": key[1], **elements})

    def _added_elements(self, key: Key, some: Iterable[Json]) -> Json:
        return added(self.name, "element", {"name": key[1], "elem": [*some]})

    def _element_parts(self, key: Key, one: Delta) -> Iterator[Part]:
        for action, some in ((Action.REMOVE, one.gone), (Action.ADD, one.new)):
            if some:
                more = f" and {len(some) - _SHOWN} more" if len(some) > _SHOWN else ""
                text = ", ".join(shown(each) for each in some[:_SHOWN]) + more
                yield Part(action, "elements", key[1], text, count=len(some))

    def _say_lost(self, gone: dict[Key, dict[str, Json]]) -> None:
        for (kind, name), one in gone.items():
            if kind in _ELEMENTS and one.get("elem") and name in self.seen.filled():
                self.lost.append(f"{len(items(one['elem']))} elements of {kind} `{name}`, which is removed")
            elif kind in ("counter", "quota"):
                self.lost.append(f"what {kind} `{name}` has counted")

    def _rules(self, remade: set[str], again: set[Key]) -> tuple[list[Json], list[Json]]:
        """The commands that take rules away, and those that put others in their places."""
        removals: list[Json] = []
        placements: list[Json] = []
        chains = {key[1] for key in again if key[0] == "chain"}
        for chain in dict.fromkeys((*self.seen.rules, *self.wanted.rules)):
            here, there = self.seen.rules.get(chain, []), self.wanted.rules.get(chain, [])
            pairs = matched(here, there)
            kept: dict[int, int] = {}
            for one, other in pairs.items():
                told = here[one].comment == there[other].comment
                if chain in chains or (remade and here[one].names() & remade) or not (told or here[one].counts):
                    continue
                kept[one] = other
                self.renamed += not told
            gone = [one for one in range(len(here)) if one not in kept]
            stays = set(kept.values())
            new = [one for one in range(len(there)) if one not in stays]
            removals += (deleted(self.name, "rule", {"chain": chain, "handle": here[one].handle}) for one in gone)
            placements += self._placed(chain, here, there, kept)
            self._tell(chain, here, there, gone, new, pairs)
        return removals, placements

    def _placed(self, chain: str, here: list[HeldRule], there: list[HeldRule], kept: dict[int, int]) -> Iterator[Json]:
        """The new rules of a chain, each before the next one that stays, or else at the end."""
        stays = {other: here[one].handle for one, other in kept.items()}
        following = 0
        found: list[Json] = []
        for position in range(len(there) - 1, -1, -1):
            if position in stays:
                following = stays[position]
                continue
            rule = added(self.name, "rule", {"chain": chain, **there[position].words})
            if following:
                words = members(members(rule)["add"])["rule"]
                rule = {"insert": {"rule": {**members(words), "handle": following}}}
            found.append(rule)
        yield from reversed(found)

    def _tell(
        self,
        chain: str,
        here: list[HeldRule],
        there: list[HeldRule],
        gone: list[int],
        new: list[int],
        pairs: dict[int, int],
    ) -> None:
        goes = set(gone)
        again = {one: other for one, other in pairs.items() if one in goes}
        for one in gone:
            rule = here[one]
            if one not in again:
                self.parts.append(_rule_part(Action.REMOVE, chain, rule))
            elif not rule.counts:
                self.parts.append(_rule_part(Action.REPLACE, chain, there[again[one]]))
            if rule.counts:
                self.lost.append(f"what a rule of chain `{chain}` has counted: `{rule.normal}`{_by(rule)}")
        stays = set(again.values())
        self.parts += [_rule_part(Action.ADD, chain, there[one]) for one in new if one not in stays]


def _with_devices_of(here: dict[str, Json], there: dict[str, Json]) -> dict[str, Json]:
    """A chain's definition as far as it is listed: JSON before nft 1.1 lists no devices."""
    return there if "dev" in here else {key: one for key, one in there.items() if key != "dev"}


def _by(rule: HeldRule) -> str:
    return f" ({rule.comment})" if rule.comment else ""


def _rule_part(action: Action, chain: str, rule: HeldRule) -> Part:
    return Part(action, "rule", chain, str(rule.normal), rule.comment)


def matched(here: list[HeldRule], there: list[HeldRule]) -> dict[int, int]:
    """By positions, rules that mean the same: first those also of the same line, then others between them."""
    exact = common([one.normal for one in here], [one.normal for one in there])
    found = dict(exact)
    low, bottom = 0, 0
    for one, other in (*exact, (len(here), len(there))):
        between = common([each.meaning for each in here[low:one]], [each.meaning for each in there[bottom:other]])
        found.update((low + left, bottom + right) for left, right in between)
        low, bottom = one + 1, other + 1
    return found


def _carried(one: Json, timed: bool) -> Json:
    """An element with its times, for a set that may have none."""
    if timed or not isinstance(one, dict):
        return one
    inside = members(one.get("elem"))
    kept = {key: each for key, each in inside.items() if key not in ("timeout", "expires")}
    if not inside:
        return one
    return kept["val"] if kept.keys() == {"val"} else {"elem": kept}
