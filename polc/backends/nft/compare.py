"""Whether what the kernel holds is what was emitted, by ``nft -j list table``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Final

from polc.backends.nft.json_value import Json, compact, items, members
from polc.backends.nft.listed_meters import meter_names, with_meters
from polc.backends.nft.normal_definitions import Elements, definition, elements
from polc.backends.nft.normal_rules import NormalRule, normal_rule

UNCOMPARED: Final[dict[str, str]] = {
    "handle": "the kernel numbers what it holds; nobody emits a number",
    "comment": "polc gives none to chains, sets and objects, and older nft lists none; those of rules are compared",
    "elem": "what rules add to a set, or what expires; what else is in it is compared",
    "count": "how many elements are in a set, which JSON lists from nft 1.1.7 on",
    "packets": "a counter's value changes with the traffic",
    "bytes": "a counter's value changes with the traffic",
    "used": "a quota's use changes with the traffic",
    "dev": "JSON before nft 1.1 lists no device of a chain",
    "l3proto": "nft fills in `inet` for a helper of an inet table",
    "flag dynamic": "JSON before nft 1.1 can neither take nor list it; nft sets it on what a rule updates",
    "auto-merge": "JSON lists it from nft 1.1 on alone, and polc emits no overlaps to merge",
    "order of declarations": "tables list counters, helpers, sets and chains by kind",
}
"""What a listing loses or adds, with the reason; what is not named here is compared."""

_LOST = frozenset(UNCOMPARED) - {"dev"}
# nft 1.0.6 and before name them one way in, the other way out, depending on build.
_KINDS = {"cthelper": "ct helper", "cttimeout": "ct timeout"}


@dataclass(slots=True)
class _Table:
    declared: dict[tuple[str, str], dict[str, Json]] = field(default_factory=dict)
    elements: dict[str, Elements] = field(default_factory=dict)
    filled: set[str] = field(default_factory=set)
    rules: dict[str, list[NormalRule]] = field(default_factory=dict)


def declared(kind: str, value: dict[str, Json]) -> tuple[str, dict[str, Json]]:
    """The kind of an object by its one name, and what its declaration says that listings neither lose nor add."""
    kind = _KINDS.get(kind, kind)
    return kind, definition(kind, value, _LOST)


def differences(emitted_json: str, listed_json: str) -> tuple[str, ...]:
    """Sentences, one for each difference between commands of ``print_json`` and a listing of the table they load.

    Both are read as data: what is equal but for ``UNCOMPARED``, spelling and nft's defaults is no difference.

    Raises:
        ValueError: one of the texts is not libnftables' JSON.
    """
    emitted, listed = _entries(emitted_json), _entries(listed_json)
    wanted, seen = _read(emitted), _read(with_meters(listed, meter_names(emitted)))
    return (*_declarations(wanted, seen), *_rules(wanted, seen))


def _entries(text: str) -> list[Json]:
    document: Json = json.loads(text)
    return items(members(document).get("nftables", []))


def _read(entries: list[Json]) -> _Table:
    table = _Table()
    for entry in entries:
        inside = members(entry)
        if "delete" in inside:
            continue
        for kind, value in members(inside.get("add", entry)).items():
            _take(table, kind, members(value))
    if not table.declared:
        raise ValueError("there is no table in it")
    return table


def _take(table: _Table, kind: str, value: dict[str, Json]) -> None:
    if kind == "metainfo":
        return
    if kind == "rule":
        table.rules.setdefault(str(value.get("chain")), []).append(normal_rule(value))
        table.filled |= {
            str(members(members(one)["set"]).get("set")).removeprefix("@")
            for one in items(value.get("expr"))
            if "set" in members(one)
        }
        return
    name = str(value.get("name"))
    kind, what = declared(kind, value)
    if kind in ("set", "map"):
        table.elements[name] = elements(value)
    table.declared[kind, name] = what


def _declarations(wanted: _Table, seen: _Table) -> Iterator[str]:
    for (kind, name), what in wanted.declared.items():
        found = seen.declared.get((kind, name))
        if found is None:
            yield f"{kind} `{name}` is missing"
            continue
        if kind == "chain" and "dev" not in found:
            what = {key: value for key, value in what.items() if key != "dev"}
        if found != what:
            yield f"{kind} `{name}`: wanted {compact(what)}, seen {compact(found)}"
        elif kind in ("set", "map"):
            yield from _held(kind, name, wanted, seen)
    for kind, name in seen.declared.keys() - wanted.declared.keys():
        yield f"{kind} `{name}` was not emitted"


def _held(kind: str, name: str, wanted: _Table, seen: _Table) -> Iterator[str]:
    one, other = wanted.elements[name], seen.elements[name]
    if not other.covers(one):
        yield f"{kind} `{name}` lacks elements that were emitted"
    if not one.covers(other) and name not in wanted.filled:
        yield f"{kind} `{name}` has elements that were not emitted"


def _rules(wanted: _Table, seen: _Table) -> Iterator[str]:
    for chain in dict.fromkeys((*wanted.rules, *seen.rules)):
        yield from _chain(chain, wanted.rules.get(chain, []), seen.rules.get(chain, []))


def _chain(chain: str, wanted: list[NormalRule], seen: list[NormalRule]) -> Iterator[str]:
    if wanted == seen:
        return
    matcher = SequenceMatcher(None, wanted, seen, autojunk=False)
    for kind, low, high, seen_low, seen_high in matcher.get_opcodes():
        if kind == "equal":
            continue
        pairs = min(high - low, seen_high - seen_low)
        for offset in range(pairs):
            one, other = wanted[low + offset], seen[seen_low + offset]
            place = f"chain `{chain}`, rule {low + offset + 1}{_comment(one)}"
            if (one.implied, one.statements) == (other.implied, other.statements):
                yield f"{place}: wanted the comment `{one.comment}`, seen `{other.comment}`"
            else:
                yield f"{place}: wanted `{one}`, seen `{other}`"
        for position in range(low + pairs, high):
            one = wanted[position]
            yield f"chain `{chain}`, rule {position + 1}{_comment(one)}: `{one}` is missing there"
        for position in range(seen_low + pairs, seen_high):
            other = seen[position]
            yield f"chain `{chain}`: seen `{other}`{_comment(other)} at rule {position + 1}, where none was emitted"


def _comment(rule: NormalRule) -> str:
    return f" ({rule.comment})" if rule.comment else ""
