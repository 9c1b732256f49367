"""A table of nft as commands make it or as the kernel lists it: what a change is computed between."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from polc.backends.nft.compare import declared
from polc.backends.nft.json_value import Json, items, members
from polc.backends.nft.listed_meters import meter_names, with_meters
from polc.backends.nft.normal_rules import NormalRule, normal_rule

Name = tuple[str, str]
"""Family and name of a table."""

_NOT_TO_ADD: Final = frozenset({"handle", "family", "table", "index", "count"})
_NOT_OF_A_RULE: Final = _NOT_TO_ADD | {"chain"}


class HeldRule:
    """``handle`` is the kernel's number, 0 for a rule that is only wanted; ``words`` are nft's, without its place."""

    __slots__ = ("_normal", "_whole", "handle", "words")

    def __init__(self, whole: dict[str, Json]) -> None:
        handle = whole.get("handle")
        self.handle = handle if isinstance(handle, int) else 0
        self.words = {key: one for key, one in whole.items() if key not in _NOT_OF_A_RULE}
        self._whole = whole
        self._normal: NormalRule | None = None

    @property
    def normal(self) -> NormalRule:
        if self._normal is None:
            self._normal = normal_rule(self._whole)
        return self._normal

    @property
    def meaning(self) -> tuple[frozenset[str], tuple[str, ...]]:
        return self.normal.implied, self.normal.statements

    @property
    def comment(self) -> str:
        return self.normal.comment

    def names(self) -> frozenset[str]:
        """Every string in it: among them are the sets and objects that it names."""
        found: set[str] = set()
        todo: list[Json] = [self.words.get("expr")]
        while todo:
            match todo.pop():
                case str(text):
                    found.add(text.removeprefix("@"))
                case list(inner):
                    todo += inner
                case dict(inner):
                    todo += inner.values()
                case _:
                    pass
        return frozenset(found)

    @property
    def counts(self) -> bool:
        """Whether the rule itself remembers something that is lost with it."""
        return any(
            kind in _REMEMBERS and isinstance(value, dict | None)
            for one in items(self.words.get("expr"))
            for kind, value in members(one).items()
        ) or "numgen" in json.dumps(self.words.get("expr"))


_REMEMBERS: Final = frozenset({"counter", "limit", "quota", "ct count", "meter", "last"})
"""Statements with a memory of their own, where they are no mere name of an object."""


@dataclass(slots=True)
class HeldTable:
    """``objects`` are all but rules, by kind and name, in nft's words, ``defined`` what of those is compared.

    ``lossy``: an nft before 1.0 has listed it, which shows short prefixes as longer ones in elements of several parts.
    """

    objects: dict[tuple[str, str], dict[str, Json]] = field(default_factory=dict)
    defined: dict[tuple[str, str], dict[str, Json]] = field(default_factory=dict)
    rules: dict[str, list[HeldRule]] = field(default_factory=dict)
    lossy: bool = False

    def filled(self) -> frozenset[str]:
        """The sets to which rules add elements."""
        return frozenset(
            str(members(members(one)["set"]).get("set")).removeprefix("@")
            for rules in self.rules.values()
            for rule in rules
            for one in items(rule.words.get("expr"))
            if "set" in members(one)
        )


@lru_cache(maxsize=8)
def read_tables(text: str, meters: frozenset[str] = frozenset()) -> dict[Name, HeldTable | None]:
    """The tables that commands leave, or that a listing shows; None: they leave none of that name. Not to be changed:
    of large rulesets the same texts are asked several times.

    ``meters`` are names of sets that belong to a meter of a rule, which newer nft lists as sets.
    """
    document: Json = json.loads(text)
    entries = items(members(document).get("nftables", []))
    if meters:
        entries = with_meters(entries, meters)
    tables: dict[Name, HeldTable | None] = {}
    for entry in entries:
        inside = members(entry)
        verb = next((verb for verb in ("add", "delete") if verb in inside), "")
        for kind, value in members(inside[verb] if verb else entry).items():
            _take(tables, verb, kind, members(value))
    lossy = any(str(members(members(one).get("metainfo")).get("version")).startswith("0.") for one in entries)
    for table in tables.values():
        if table is not None:
            table.lossy = lossy
    return tables


@lru_cache(maxsize=8)
def meters_in(text: str) -> frozenset[str]:
    """The meters that commands have."""
    if '"meter"' not in text:
        return frozenset()
    document: Json = json.loads(text)
    return meter_names(items(members(document).get("nftables", [])))


def _take(tables: dict[Name, HeldTable | None], verb: str, kind: str, value: dict[str, Json]) -> None:
    if kind == "metainfo":
        return
    name = str(value.get("family")), str(value.get("name" if kind == "table" else "table"))
    if kind == "table":
        tables[name] = None if verb == "delete" else HeldTable()
        return
    table = tables.setdefault(name, HeldTable())
    assert table is not None, "nothing is added to a table that has been deleted"
    if kind == "rule":
        table.rules.setdefault(str(value.get("chain")), []).append(HeldRule(value))
        return
    kind, what = declared(kind, value)
    key = kind, str(value.get("name"))
    table.defined[key] = what
    table.objects[key] = {one: each for one, each in value.items() if one not in _NOT_TO_ADD}
    if kind == "chain":
        table.rules.setdefault(key[1], [])


def commands_for(tables: dict[Name, HeldTable | None]) -> str:
    """The commands that leave these tables, whatever is there."""
    commands: list[Json] = [{"metainfo": {"json_schema_version": 1}}]
    for name, table in tables.items():
        whole: Json = {"family": name[0], "name": name[1]}
        commands += [{"add": {"table": whole}}, {"delete": {"table": whole}}]
        if table is not None:
            commands += [{"add": {"table": whole}}, *additions(name, table)]
    lines = ",\n".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in commands)
    return f'{{"nftables":[\n{lines}\n]}}\n'


def additions(name: Name, table: HeldTable) -> list[Json]:
    """What makes a table's contents, in an order in which nothing is named before it is there."""
    commands = [added(name, kind, one) for (kind, _), one in in_order(table.objects)]
    for chain, rules in table.rules.items():
        commands += [added(name, "rule", {"chain": chain, **rule.words}) for rule in rules]
    return commands


def in_order(
    objects: dict[tuple[str, str], dict[str, Json]],
) -> Iterable[tuple[tuple[str, str], dict[str, Json]]]:
    """Maps last, which name chains and objects."""
    return sorted(objects.items(), key=lambda one: (one[0][0] == "map", one[0][0] == "chain"))


def added(name: Name, kind: str, value: dict[str, Json]) -> Json:
    return {"add": {kind: {"family": name[0], "table": name[1], **value}}}


def deleted(name: Name, kind: str, value: dict[str, Json]) -> Json:
    return {"delete": {kind: {"family": name[0], "table": name[1], **value}}}
