"""The objects of a document, listed or commanded, carried out in their order (libnftables-json(5), COMMAND OBJECTS).

An object without a command is one that ``add`` was meant for, which is what makes a listing a ruleset.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from polc.importers.nft_json.contents import OBJECTS, ChainEntry, RuleEntry, SetEntry, Table
from polc.importers.nft_json.json_text import Item
from polc.importers.nft_json.json_value import Json, compact, items, number
from polc.importers.nft_json.problems import MISSING, Entry, Malformed, Reporter
from polc.ir.ruleset import TableFamily

_FAMILIES: Final = tuple(one.value for one in TableFamily)
_KINDS = {"cthelper": "ct helper", "ct_timeout": "ct timeout", "meter": "set"}
"""Other names of kinds of objects, as some versions of nft write them."""
_SCHEMA = 1
Key = tuple[str, str]


def carry_out(document: list[Item], reporter: Reporter) -> dict[Key, Table]:
    """The tables, by family and name, after all of it; what is wrong goes to the reporter, and is left out."""
    state = _State()
    for item in document:
        try:
            _one(item, state)
        except Malformed as problem:
            reporter.malformed(Entry(item.value, item, ()), problem)
    return state.tables


class _State:
    def __init__(self) -> None:
        self.tables: dict[Key, Table] = {}

    def table(self, entry: Entry, *, make: bool = False, by: str = "table") -> Table:
        """The table that an object names; ``make``: there is one from now on.

        Raises:
            Malformed: it names none, or one that is not there.
        """
        family, name = _text(entry, "family"), _text(entry, by)
        if family not in _FAMILIES:
            raise Malformed(f"the family of a table is one of {', '.join(_FAMILIES)}", (*entry.path, "family"))
        found = self.tables.get((family, name))
        if found is None and make:
            found = self.tables[(family, name)] = Table(family, name, entry)
        if found is None:
            raise Malformed(f"there is no table `{family} {name}` here", (*entry.path, by), MISSING)
        return found


def _one(item: Item, state: _State) -> None:
    if len(item.value) != 1:
        raise Malformed("an object of the list has one key: a command, or the kind of what is listed")
    ((word, inside),) = item.value.items()
    command = _COMMANDS.get(word)
    if command is None:
        if word == "metainfo":
            _check_version(inside)
            return
        # Bare: what is listed.
        _add(state, _entry(item, inside, word, (word,)), word, command="")
        return
    if word in ("list", "describe"):
        return
    if not isinstance(inside, dict) or len(inside) != 1:
        raise Malformed(f"the command `{word}` has one object", (word,))
    ((kind, value),) = inside.items()
    if word == "flush" and kind == "ruleset":
        family = value.get("family") if isinstance(value, dict) else None
        state.tables = {key: one for key, one in state.tables.items() if family not in (None, key[0])}
        return
    command(state, _entry(item, value, kind, (word, kind)), kind, command=word)


def _check_version(inside: Json) -> None:
    version = inside.get("json_schema_version", _SCHEMA) if isinstance(inside, dict) else None
    if version != _SCHEMA:
        raise Malformed(f"polc reads version {_SCHEMA} of libnftables' JSON", ("metainfo",))


def _entry(item: Item, value: Json, kind: str, path: tuple[str, ...]) -> Entry:
    if not isinstance(value, dict):
        raise Malformed(f"a {kind} is an object", path)
    return Entry(value, item, path)


def _text(entry: Entry, key: str) -> str:
    found = entry.value.get(key)
    if not isinstance(found, str) or not found:
        at = (*entry.path, key) if key in entry.value else entry.path
        raise Malformed(f"the key `{key}` is a text here, and not empty", at)
    return found


def _add(state: _State, entry: Entry, kind: str, *, command: str) -> None:
    kind = _KINDS.get(kind, kind)
    listed = not command
    match kind:
        case "table":
            before = (_text(entry, "family"), _text(entry, "name")) in state.tables
            _refuse_twice(before, entry, command)
            table = state.table(entry, make=True, by="name")
            if before:
                table.entry = _merged(table.entry, entry)
            else:
                table.entry = entry
        case "chain":
            # Listings of one chain or set alone do not have the table.
            table, name = state.table(entry, make=listed), _text(entry, "name")
            old = table.chains.get(name)
            _refuse_twice(old is not None, entry, command)
            if old is None:
                table.chains[name] = ChainEntry(entry)
            else:
                old.entry = _merged(old.entry, entry)
        case "rule":
            _add_rule(_chain(state, entry), entry, command)
        case "set" | "map":
            table, name = state.table(entry, make=listed), _text(entry, "name")
            _refuse_twice(name in table.sets, entry, command)
            found = table.sets.setdefault(name, SetEntry(entry, kind == "map"))
            found.elements += items(entry.value.get("elem"))
        case "element":
            found = _set(state, entry)
            found.elements += items(entry.value.get("elem"))
        case "flowtable":
            table, name = state.table(entry, make=listed), _text(entry, "name")
            _refuse_twice(name in table.flowtables, entry, command)
            table.flowtables.setdefault(name, entry)
        case _ if kind in OBJECTS:
            table, name = state.table(entry, make=listed), _text(entry, "name")
            _refuse_twice((kind, name) in table.objects, entry, command)
            table.objects.setdefault((kind, name), entry)
        case _:
            raise Malformed(f"`{kind}` is no kind of object that polc knows", entry.path[:-1])


def _merged(old: Entry, new: Entry) -> Entry:
    """What was there, with what is said of it now."""
    return replace(old, value={**old.value, **new.value})


def _refuse_twice(there: bool, entry: Entry, command: str) -> None:
    if there and command == "create":
        raise Malformed("what is created here is there already", (*entry.path, "name"), MISSING)


def _chain(state: _State, entry: Entry) -> ChainEntry:
    table, name = state.table(entry), _text(entry, "chain")
    found = table.chains.get(name)
    if found is None:
        raise Malformed(
            f"there is no chain `{name}` in the table `{table.name}` here",
            (*entry.path, "chain"),
            MISSING,
            "the whole ruleset: what a chain does depends on its hook and on the rules before",
        )
    return found


def _set(state: _State, entry: Entry) -> SetEntry:
    table, name = state.table(entry), _text(entry, "name")
    found = table.sets.get(name)
    if found is None:
        raise Malformed(f"there is no set `{name}` in the table `{table.name}` here", (*entry.path, "name"), MISSING)
    return found


def _add_rule(chain: ChainEntry, entry: Entry, command: str) -> None:
    if not command:
        chain.rules.append(RuleEntry(entry, number(entry.value.get("handle"))))
        return
    new = RuleEntry(entry, None)
    at = _position(chain, entry)
    if command == "insert":
        chain.rules.insert(at or 0, new)
    else:
        chain.rules.insert(len(chain.rules) if at is None else at + 1, new)


def _position(chain: ChainEntry, entry: Entry) -> int | None:
    """The number of the rule that a command names, from 0; None: it names none.

    Raises:
        Malformed: there is no such rule.
    """
    if "index" in entry.value:
        index = number(entry.value["index"])
        if index is not None and index < len(chain.rules):
            return index
        raise Malformed("there is no rule with this index in the chain here", (*entry.path, "index"), MISSING)
    if "handle" not in entry.value:
        return None
    handle = number(entry.value["handle"])
    for at, one in enumerate(chain.rules):
        if one.handle == handle and handle is not None:
            return at
    raise Malformed("there is no rule with this handle in the chain here", (*entry.path, "handle"), MISSING)


def _replace(state: _State, entry: Entry, kind: str, *, command: str) -> None:
    chain = _rule_chain(state, entry, kind, command)
    at = _position(chain, entry)
    if at is None:
        raise Malformed("a rule to replace is named by its handle", entry.path)
    chain.rules[at] = RuleEntry(entry, chain.rules[at].handle)


def _insert(state: _State, entry: Entry, kind: str, *, command: str) -> None:
    _add_rule(_rule_chain(state, entry, kind, command), entry, command)


def _rule_chain(state: _State, entry: Entry, kind: str, command: str) -> ChainEntry:
    if kind != "rule":
        raise Malformed(f"the command `{command}` is for rules", entry.path)
    return _chain(state, entry)


def _delete(state: _State, entry: Entry, kind: str, *, command: str) -> None:
    kind = _KINDS.get(kind, kind)
    try:
        _delete_one(state, entry, kind)
    except Malformed as problem:
        # `destroy` is content where there is nothing to delete.
        if command == "delete" or problem.code != MISSING:
            raise


def _delete_one(state: _State, entry: Entry, kind: str) -> None:
    match kind:
        case "table":
            table = state.table(entry, by="name")
            del state.tables[(table.family, table.name)]
        case "rule":
            chain = _chain(state, entry)
            at = _position(chain, entry)
            if at is None:
                raise Malformed("a rule to delete is named by its handle", entry.path)
            del chain.rules[at]
        case "element":
            found = _set(state, entry)
            for value in items(entry.value.get("elem")):
                same = [one for one in found.elements if compact(_key_of(one)) == compact(_key_of(value))]
                if not same:
                    raise Malformed("there is no such element in the set here", (*entry.path, "elem"), MISSING)
                found.elements.remove(same[0])
        case _:
            _delete_named(state.table(entry), entry, kind)


def _key_of(element: Json) -> Json:
    """What an element is found by."""
    value = element[0] if isinstance(element, list) and element else element
    match value:
        case {"elem": {"val": inner}}:
            return inner
        case _:
            return value


def _delete_named(table: Table, entry: Entry, kind: str) -> None:
    name = _text(entry, "name")
    there: object = None
    match kind:
        case "chain":
            there = table.chains.pop(name, None)
        case "set" | "map":
            there = table.sets.pop(name, None)
        case "flowtable":
            there = table.flowtables.pop(name, None)
        case _ if kind in OBJECTS:
            there = table.objects.pop((kind, name), None)
        case _:
            raise Malformed(f"`{kind}` is no kind of object that polc knows", entry.path[:-1])
    if there is None:
        raise Malformed(f"there is no {kind} `{name}` in the table `{table.name}` here", (*entry.path, "name"), MISSING)


def _flush(state: _State, entry: Entry, kind: str, *, command: str) -> None:
    match kind:
        case "table":
            for chain in state.table(entry, by="name").chains.values():
                chain.rules.clear()
        case "chain":
            table, name = state.table(entry), _text(entry, "name")
            if name not in table.chains:
                raise Malformed(f"there is no chain `{name}` in the table `{table.name}` here", entry.path, MISSING)
            table.chains[name].rules.clear()
        case "set" | "map" | "meter":
            _set(state, entry).elements.clear()
        case _:
            raise Malformed(f"`{kind}` is nothing that polc can {command}", entry.path)


def _unread(state: _State, entry: Entry, kind: str, *, command: str) -> None:
    raise Malformed(
        f"polc does not carry out the command `{command}`",
        entry.path[:1],
        help="a listing of the ruleset after it: `nft -j list ruleset`",
    )


_Command = Callable[..., None]
_COMMANDS: dict[str, _Command] = {
    "add": _add,
    "create": _add,
    "insert": _insert,
    "replace": _replace,
    "delete": _delete,
    "destroy": _delete,
    "flush": _flush,
    "list": _unread,
    "describe": _unread,
    "rename": _unread,
    "reset": _unread,
    "export": _unread,
    "monitor": _unread,
}
