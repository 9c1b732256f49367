"""A table while its rules are read: what they name, and what they need it to declare."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from polc.importers.nft_json.contents import SetEntry, Table
from polc.importers.nft_json.json_value import Json, Object, compact, items, number
from polc.importers.nft_json.keys import KIND_OF_TYPE, bare, elements, key
from polc.importers.nft_json.problems import MISSING, Entry, Malformed, Unknown
from polc.importers.nft_json.values import CATCH_ALL
from polc.ir.family import BOTH, Family
from polc.ir.origin import Origin
from polc.ir.ruleset import DynamicSet
from polc.ir.selectors import KeyType

_FAMILIES = {"ip": frozenset({Family.IP}), "ip6": frozenset({Family.IP6})}
_KEY_TYPES = {one.value: one for one in KeyType}
_REFERRED = {"counter", "quota", "limit", "ct helper", "ct timeout", "ct expectation", "synproxy", "secmark"}
DEFAULT_SIZE = 1 << 16
"""Elements that rules can add to a set without a size (net/netfilter/nft_dynset.c)."""


class Names:
    """Gives names that nothing else has."""

    def __init__(self, taken: set[str]) -> None:
        self._taken = taken

    def like(self, wanted: str) -> str:
        name, number = wanted, 2
        while name in self._taken:
            name, number = f"{wanted}-{number}", number + 1
        self._taken.add(name)
        return name


@dataclass(slots=True)
class Context:
    """``layer3``: its packets are of IPv4 and IPv6 alone, of ``families``.

    ``taken`` are objects, as kind and name (``@`` for sets and maps), that the rules say themselves now; ``needed``
    those that rules in nft's words name. ``stores`` are sets that keep limits for their elements, and nothing more.
    """

    table: Table
    layer3: bool
    families: frozenset[Family]
    references: Counter[tuple[str, str]]
    chain_names: Names
    state_names: Names
    sets: dict[str, DynamicSet | Unknown] = field(default_factory=dict)
    taken: set[tuple[str, str]] = field(default_factory=set)
    needed: set[tuple[str, str]] = field(default_factory=set)
    stores: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, table: Table) -> Context:
        references: Counter[tuple[str, str]] = Counter()
        for chain in table.chains.values():
            for one in chain.rules:
                references.update(named(one.entry.value.get("expr")))
        for found in table.sets.values():
            if found.is_map:
                references.update(_objects_of(found))
        return cls(
            table,
            table.family in ("inet", "ip", "ip6"),
            _FAMILIES.get(table.family, BOTH),
            references,
            Names({*table.chains}),
            Names({*table.sets, *(name for _, name in table.objects)}),
        )

    def entry(self, reference: str) -> SetEntry:
        """The set or map behind ``@name``.

        Raises:
            Malformed: there is none.
        """
        found = self.table.sets.get(reference[1:])
        if found is None:
            raise Malformed(f"there is no set `{reference[1:]}` in the table `{self.table.name}` here", (), MISSING)
        return found

    def object(self, kind: str, name: str) -> Entry:
        """Raises:
        Malformed: there is no such object.
        """
        found = self.table.objects.get((kind, name))
        if found is None:
            raise Malformed(f"there is no {kind} `{name}` in the table `{self.table.name}` here", (), MISSING)
        return found

    def alone(self, kind: str, name: str) -> bool:
        """Whether everything that names this object is in rules of one family, or there is one such rule alone: the IR
        keeps state of a name for each family.
        """
        return len(self.families) == 1 or self.references[(kind, name)] == 1

    def named_set(self, reference: str) -> DynamicSet:
        """The set behind ``@name`` as the IR has it.

        Raises:
            Malformed: there is none.
            Unknown: it has elements of another kind.
        """
        entry = self.entry(reference)
        name = reference[1:]
        if name not in self.sets:
            try:
                self.sets[name] = _dynamic_set(name, entry)
            except Unknown as unknown:
                self.sets[name] = unknown
        found = self.sets[name]
        if isinstance(found, Unknown):
            raise found
        return found

    def inline(self, reference: str) -> list[Json]:
        """The elements of a set or map that no rule changes, to stand in a rule in its place.

        Raises:
            Malformed: there is none.
            Unknown: rules change it, or its elements go with time.
        """
        entry = self.entry(reference)
        flags = {str(one) for one in items(entry.entry.value.get("flags"))}
        if flags & {"dynamic", "timeout"} or "timeout" in entry.entry.value or self.references[("set", reference)]:
            raise Unknown(f"`{reference[1:]}`, whose elements change while it is in use")
        if not entry.elements:
            raise Unknown(f"`{reference[1:]}`, which has no element")
        self.taken.add(("@", reference[1:]))
        return [_bare_row(one) if entry.is_map else bare(one)[0] for one in entry.elements]

    def need(self, words: Json) -> None:
        """Keep what a rule in nft's words names."""
        self.needed.update((kind if kind != "set" else "@", name.removeprefix("@")) for kind, name in named(words))


def named(value: Json) -> list[tuple[str, str]]:
    """What a part of a rule names: ``("@", "@name")`` for a set or map that it looks at, ``("set", "@name")`` for one
    that it changes, and objects by their kind.
    """
    found: list[tuple[str, str]] = []
    todo: list[tuple[str, Json]] = [("", value)]
    while todo:
        under, one = todo.pop()
        if isinstance(one, str):
            if one.startswith("@") and len(one) > 1:
                found.append(("set" if under in ("set", "map") else "@", one))
            elif under in _REFERRED:
                found.append((under, one))
        elif isinstance(one, list):
            todo += ((under, inner) for inner in one if isinstance(inner, str | list | dict))
        elif isinstance(one, dict):
            for kind, inner in one.items():
                if kind == "map" and under in _REFERRED and isinstance(inner, dict):
                    # `counter name tcp dport map { 22 : "c1" }`
                    todo += _values_under(under, inner)
                elif isinstance(inner, str | list | dict):
                    todo.append(("ct helper" if kind == "cthelper" else kind, inner))
    return found


def _bare_row(value: Json) -> Json:
    match value:
        case [first, second]:
            return [bare(first)[0], second]
        case _:
            return value


def _values_under(kind: str, inside: Object) -> list[tuple[str, Json]]:
    data = inside.get("data")
    pairs = items(data.get("set")) if isinstance(data, dict) else []
    found: list[tuple[str, Json]] = [("data", data)] if isinstance(data, str) else []
    return found + [(kind, one[1]) for one in pairs if isinstance(one, list) and len(one) == 2]


def _objects_of(entry: SetEntry) -> list[tuple[str, str]]:
    """The objects that the values of a map are."""
    kind = entry.entry.value.get("map")
    if str(kind) not in _REFERRED:
        return []
    pairs = [one for one in entry.elements if isinstance(one, list) and len(one) == 2]
    return [(str(kind), one[1]) for one in pairs if isinstance(one[1], str)]


def _dynamic_set(name: str, entry: SetEntry) -> DynamicSet:
    value = entry.entry.value
    if entry.is_map:
        raise Unknown("a map where a set is looked at")
    types = _types(value.get("type"))
    size = number(value.get("size"))
    flags = {str(one) for one in items(value.get("flags"))}
    kinds = tuple(KIND_OF_TYPE[one] for one in types)
    found = elements([bare(one)[0] for one in entry.elements], kinds)
    if any(bare(one)[0] == CATCH_ALL for one in entry.elements):
        raise Unknown("an element that is everything")
    comment = value.get("comment")
    origin = Origin(entry.entry.span, comment=comment if isinstance(comment, str) else "")
    return DynamicSet(name, types, size, number(value.get("timeout")), origin, found, "interval" in flags)


def _types(value: Json) -> tuple[KeyType, ...]:
    match value:
        case {"typeof": inner}:
            types = key(inner).types()
        case list() if value:
            types = tuple(_KEY_TYPES.get(str(one)) for one in value)
        case _:
            types = (_KEY_TYPES.get(str(value)),)
    found = tuple(one for one in types if one is not None)
    if len(found) != len(types):
        raise Unknown(f"a set of `{compact(value)}`")
    return found
