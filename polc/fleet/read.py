"""An inventory's text to what it says, by its schema."""

from __future__ import annotations

import json
from functools import cache

from polc.diagnostics import Collector, Failure
from polc.fleet.model import Inventory, Member
from polc.policy.files import read_file
from polc.policy.library import read_tree
from polc.policy.nodes import Entry, Mapping, Node, Scalar
from polc.policy.schema import Check, Json, compile_gate
from polc.resources import read_resource
from polc.source import SourceFile

SCHEMA = "inventory.schema.json"


@cache
def load_schema() -> Json:
    schema: Json = json.loads(read_resource("schemas", SCHEMA))
    return schema


@cache
def _gate() -> Check:
    return compile_gate(load_schema())


def read_inventory(path: str) -> Inventory:
    """Read the inventory ``path`` (``-``: standard input).

    Raises:
        Failure: POL0xx, POL1xx: with all that its schema does not let pass.
    """
    return inventory_of(read_file(path, standard_input=path == "-"))


def inventory_of(source: SourceFile) -> Inventory:
    """As ``read_inventory``, of a text at hand."""
    tree = read_tree(source)
    if not _gate()(tree):
        from polc.policy.schema_errors import explain

        collector = Collector()
        explain(tree, collector, load_schema())
        raise Failure(collector.in_order())
    assert isinstance(tree, Mapping)
    everyone = tree.entries.get("all")
    return Inventory(source, _member(everyone) if everyone else None, _members(tree, "groups"), _members(tree, "hosts"))


def _members(tree: Mapping, section: str) -> dict[str, Member]:
    found = tree.get(section)
    return {name: _member(entry) for name, entry in found.entries.items()} if isinstance(found, Mapping) else {}


def _member(entry: Entry) -> Member:
    body = entry.value
    return Member(entry.key, Mapping({}, body.span) if isinstance(body, Scalar) else _mapping(body))


def _mapping(node: Node) -> Mapping:
    assert isinstance(node, Mapping)
    return node
