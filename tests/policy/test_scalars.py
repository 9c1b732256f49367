"""Scalars by YAML 1.2's core schema, and aliases, merge keys and JSON's own ways."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polc.diagnostics import Failure
from polc.policy.json_reader import read_json
from polc.policy.nodes import Mapping, Node, Scalar, Sequence, Value
from polc.policy.scalars import resolve
from polc.policy.schema_errors import plain
from polc.policy.yaml_reader import read_yaml
from polc.source import SourceFile


def yaml(text: str) -> Node:
    return read_yaml(SourceFile("p.yaml", text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, word) for word in ("no", "yes", "on", "off", "Y", "22:80", "1:2:3", "00:11:22:33:44:55", "1_000")),
        *(
            (word, word)
            for word in ("0b11", "2001-12-14", "nUll", "tRue", "0x", "+", "-", ".", "1e", "0o8", ".nan.", "=")
        ),
        *((word, None) for word in ("", "~", "null", "Null", "NULL")),
        *((word, True) for word in ("true", "True", "TRUE")),
        ("0x1F", 31),
        ("0o17", 15),
        ("017", 17),
        ("-12", -12),
        ("+1", 1),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-.INF", -math.inf),
    ],
)
def test_core_schema(text: str, value: Value) -> None:
    found = resolve(text)
    assert (found, type(found)) == (value, type(value))


def test_not_a_number() -> None:
    found = resolve(".NaN")
    assert isinstance(found, float)
    assert math.isnan(found)


def test_quoted_and_tagged() -> None:
    assert plain(yaml("['1', \"no\", !!str 1, !!int '7', !!float 1, ! 5]")) == ["1", "no", "1", 7, 1.0, "5"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- accept ssh", "accept ssh"),
        ("- 'accept ssh'", "accept ssh"),
        ('- "accept ssh"', "accept ssh"),
        ("- &a accept ssh", "accept ssh"),
        ("- !!str 'accept ssh'", "accept ssh"),
        ("- ü accept ssh", "ü accept ssh"),
    ],
)
def test_places_within_a_scalar(text: str, words: str) -> None:
    tree = yaml(text)
    assert isinstance(tree, Sequence)
    (item,) = tree.items
    assert isinstance(item, Scalar)
    assert item.value == words
    at = words.index("ssh")
    assert item.place(at, at + 3).text == "ssh"


@pytest.mark.parametrize("text", ["- 'it''s'", '- "a\\tb"', "- a\n  b", "- |\n  a\n  b\n"])
def test_no_places_where_the_source_differs(text: str) -> None:
    tree = yaml(text)
    assert isinstance(tree, Sequence)
    (item,) = tree.items
    assert isinstance(item, Scalar)
    assert item.place(0, 1) == item.span


def test_merge_keys() -> None:
    tree = yaml("base: &b {x: 1, y: 1}\nother: &o {y: 2, z: 2}\nall: {<<: [*b, *o], x: 0}\nquoted: {'<<': 1}\n")
    found = plain(tree)
    assert isinstance(found, dict)
    assert found["all"] == {"x": 0, "y": 1, "z": 2}
    assert found["quoted"] == {"<<": 1}


def test_spans_of_collections() -> None:
    tree = yaml("a:\n  - b\n  - c\n\n# end\nd: {e: f}\n")
    assert isinstance(tree, Mapping)
    assert [entry.value.span.text for entry in tree.entries.values()] == ["- b\n  - c", "{e: f}"]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(JSON_VALUES, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_json_is_read_as_json(value: object, ascii_only: bool, indent: int | str | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert plain(read_json(SourceFile("p.json", text))) == value


@pytest.mark.parametrize(
    ("text", "column"),
    [('{"a": 1,}', 9), ("[1 2]", 4), ('{"a" 1}', 6), ("{a: 1}", 2), ('"a\nb"', 1), ("[01]", 3), ("[nul]", 2),
     ("1 2", 3), ("", 1), ('{"a": "\\x"}', 7), ("[", 2), ("[,1]", 2), ("['a']", 2)],
)  # fmt: skip
def test_json_errors_have_places(text: str, column: int) -> None:
    with pytest.raises(Failure) as caught:
        read_json(SourceFile("p.json", text))
    (only,) = caught.value.diagnostics
    assert only.span is not None
    assert (only.code, only.span.column) == ("POL007", column)
