"""The gate says what jsonschema says, and what is wrong is told in words."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from policies import errors, policy

from polc.diagnostics import Collector
from polc.policy.json_reader import read_json
from polc.policy.schema import Json, UnsupportedSchema, compile_gate, load_schema, policy_gate
from polc.policy.schema_errors import explain
from polc.source import SourceFile

SCHEMA = load_schema()
assert isinstance(SCHEMA, dict)
VALIDATOR = Draft202012Validator(SCHEMA)

WORDS = st.sampled_from(
    ["polc", "zones", "input", "default", "drop", "rules", "rule", "verdict", "use", "from", "zone", "not_zone", "hits",
     "count", "within", "per", "id", "comment", "a-b", "", "a b", "accept", "services", "ports", "helper", "sport"]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.sampled_from([0, 1, 255, 256, 1.0, 1.5, -1, 65535, 65536, 2**32]) | WORDS
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=15,
)

SOUND: Json = {
    "polc": 1,
    "include": ["a.yaml"],
    "zones": {"wan": "eth0", "lan": ["eth1", "wg*"]},
    "addresses": {"a": "192.0.2.1", "b": ["@a"]},
    "services": {"w": "tcp/80", "v": ["tcp/1"], "f": {"ports": "tcp/21", "helper": "ftp", "sport": [1, "2-3"]}},
    "input": {
        "default": "drop",
        "rules": [
            "accept ssh",
            {"rule": "accept ssh", "id": "x", "comment": "c"},
            {"use": "stateful"},
            {
                "verdict": "reject",
                "with": "tcp-reset",
                "service": ["tcp/1", "tcp/2"],
                "from": {"zone": ["wan"], "not_address": "192.0.2.1"},
                "to": "lan",
                "state": ["new"],
                "limit": {"rate": "1/second", "burst": 2, "per": ["source"]},
                "over": "1/minute",
                "hits": {"count": 3, "within": "1m", "per": "source", "refresh": True},
            },
        ],
    },
}


def paths(tree: Json, so_far: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield so_far
    match tree:
        case dict():
            for key, value in tree.items():
                yield from paths(value, (*so_far, key))
        case list():
            for index, value in enumerate(tree):
                yield from paths(value, (*so_far, index))


PATHS = list(paths(SOUND))


@st.composite
def nearly_sound(draw: st.DrawFn) -> Json:
    """A sound policy with one thing replaced, removed or added."""
    tree: Json = json.loads(json.dumps(SOUND))
    path = draw(st.sampled_from(PATHS))
    if not path:
        return draw(TREES)
    at = tree
    for step in path[:-1]:
        at = at[step]  # type: ignore
    match at, path[-1], draw(st.sampled_from(["replace", "remove", "add"])):
        case dict(), str(key), "replace":
            at[key] = draw(TREES)
        case dict(), str(key), "remove":
            del at[key]
        case dict(), _, "add":
            at[draw(WORDS)] = draw(TREES)
        case list(), int(index), "replace":
            at[index] = draw(TREES)
        case list(), int(index), "remove":
            del at[index]
        case list(), _, "add":
            at.append(draw(TREES))
    return tree


@settings(max_examples=300, deadline=None)
@given(TREES | nearly_sound())
def test_gate_and_jsonschema_agree(tree: Json) -> None:
    node = read_json(SourceFile("p.json", json.dumps(tree)))
    sound = VALIDATOR.is_valid(tree)
    assert policy_gate()(node) == sound
    collector = Collector()
    explain(node, collector)
    assert collector.has_errors != sound


def test_the_sound_policy_is_sound() -> None:
    assert VALIDATOR.is_valid(SOUND)


@pytest.mark.parametrize(
    "schema",
    [{"oneOf": []}, {"properties": {"a": {"format": "x"}}}, {"$ref": "other.json"}, {"$ref": "#/$defs/none"}, 5,
     {"const": []}, {"type": ["string"]}],
)  # fmt: skip
def test_unknown_keywords_are_refused(schema: Json) -> None:
    with pytest.raises(UnsupportedSchema):
        compile_gate(schema)


def test_the_schema_is_a_schema_and_describes_every_key() -> None:
    assert isinstance(SCHEMA, dict)
    Draft202012Validator.check_schema(SCHEMA)

    def undescribed(schema: Json, path: str) -> Iterator[str]:
        if isinstance(schema, list):
            for one in schema:
                yield from undescribed(one, path)
        if not isinstance(schema, dict):
            return
        properties = schema.get("properties")
        if isinstance(properties, dict):
            for name, one in properties.items():
                target = one
                if isinstance(one, dict) and isinstance(one.get("$ref"), str):
                    target = {**SCHEMA["$defs"][str(one["$ref"]).rpartition("/")[2]], **one}  # type: ignore
                if not (isinstance(target, dict) and target.get("description")):
                    yield f"{path}/{name}"
        for name, one in schema.items():
            yield from undescribed(one, f"{path}/{name}")

    assert list(undescribed(SCHEMA, "#")) == []


@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        ("polc: 1\nzonse: {}\n", "unknown key `zonse`", "did you mean `zones`?"),
        ("polc: 1\ninput: {default: drop, rules: 5}\n", "expected a list of rules, found a number", "quotes"),
        ("polc: 1\ninput: {default: dorp}\n", "expected accept, drop or reject, found `dorp`", "did you mean `drop`?"),
        ("polc: 1\ninput: {default: }\n", "expected accept, drop or reject, found nothing", ""),
        ("input: {default: drop}\n", "the key `polc` is missing", "polc: 1"),
        ("polc: 1\naddresses: {a: 10.1}\n", "expected an address or a list of addresses, found a number", '"10.1"'),
        ("polc: 1\nzones: {a: [eth0, 7]}\n", "expected an interface, found a number", '"7"'),
        (policy("{verdict: acept}"), "expected a verdict such as accept, drop or reject, found `acept`", "`accept`"),
        (policy("{verdict: accept, form: {zone: loopback}}"), "unknown key `form`", "did you mean `from`?"),
        (policy("{verdct: accept}"), "a rule has one of the keys `rule`, `use`, `verdict`", "`verdict`"),
        (policy("accept: ssh"), "a rule has one of the keys", "must stand in quotes"),
        (policy("{verdict: accept, from: {}}"), "zones and addresses has one of the keys", ""),
        (policy("{verdict: drop, hits: {count: 1, per: source}}"), "the key `within` is missing", ""),
        (policy("{verdict: drop, limit: 10}"), "expected a rate, found a number", ""),
    ],
)  # fmt: skip
def test_messages(text: str, message: str, help: str) -> None:
    (only,) = errors(text)
    assert message in only.message
    assert help in only.help


@pytest.mark.parametrize(
    ("text", "code", "help"),
    [
        ("zones: {wan: {interface: eth0}}", "POL101", "did you mean `interfaces`?"),
        ("services: {a: {port: tcp/1}}", "POL101", "did you mean `ports`?"),
        ("services: {a: a}", "POL212", ""),
        ("services: {a: 80}", "POL102", "write `tcp/80`"),
        ("services: {a: {ports: 80}}", "POL102", "write `tcp/80`"),
        ("addresses: {a: {dynamic: true, timeout: 60}}", "POL102", "write `60s`"),
        ("input: {default: drop, rules: [{verdict: accept, limit: 5}]}", "POL102", "write `5/minute`"),
        ("input: {default: drop, rules: [{verdict: accept, service: [22]}]}", "POL102", "write `tcp/22`"),
        ("input: {default: deny}", "POL104", "did you mean `drop`?"),
    ],
)
def test_one_mistake_is_one_error_and_its_help_is_right(text: str, code: str, help: str) -> None:
    (one,) = errors(f"polc: 1\n{text}\n")
    assert (one.code, one.help) == (code, help)


def test_errors_beside_schema_errors_are_found_too() -> None:
    text = (
        "polc: 1\nzones: {wan: 5, lan: eth1}\naddresses: {a: [], b: 192.0.2.1/24}\n"
        "input:\n  default: dorp\n  rules:\n    - accept ssh from wan\n    - 5\n    - accept shh from lan\n"
        "    - accept ssh from @a\n"
    )
    assert [one.code for one in errors(text)] == ["POL102", "POL106", "POL116", "POL104", "POL102", "POL203"]
