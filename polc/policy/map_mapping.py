"""``vmap`` and ``map`` as mappings to documents."""

from __future__ import annotations

from polc.diagnostics import Failure
from polc.policy.document import Entry, Map, Word
from polc.policy.mapping_words import required, word
from polc.policy.nodes import Mapping, Scalar
from polc.policy.rule_text import read_key, read_outcome, read_place


def value_or_map(node: Mapping, key: str) -> tuple[Word | None, Map | None]:
    """A value, or a map of values.

    Raises:
        Failure: POL112 for a map with a mask; what the map has is read as ``read_map`` does.
    """
    value = node.get(key)
    if not isinstance(value, Mapping):
        return required(node, key), None
    if "mask" in node.entries:
        message = "the values of a map have no mask"
        raise Failure.of("POL112", message, node.entries["mask"].key.span)
    return None, map_of_points(value)


def map_of_points(node: Mapping) -> Map:
    """``{map: tcp dport, to: {80: "192.0.2.10:8080"}}``. Raises as ``read_key`` and ``read_place``."""
    looked_up, to = node.get("map"), node.get("to")
    assert isinstance(looked_up, Scalar)
    assert isinstance(to, Mapping)
    entries = (Entry(read_place(one.key), one.key.span, point=word(one.value)) for one in to.entries.values())
    return Map(read_key(looked_up), tuple(entries), node.span)


def map_of_verdicts(node: Mapping) -> Map:
    """The keys ``vmap`` and ``verdicts`` of a rule. Raises as ``read_key``, ``read_place`` and ``read_outcome``."""
    looked_up, verdicts = node.get("vmap"), node.get("verdicts")
    assert isinstance(looked_up, Scalar)
    assert isinstance(verdicts, Mapping)
    found = []
    for one in verdicts.entries.values():
        assert isinstance(one.value, Scalar)
        found.append(Entry(read_place(one.key), one.key.span, verdict=read_outcome(one.value)))
    return Map(read_key(looked_up), tuple(found), looked_up.span)
