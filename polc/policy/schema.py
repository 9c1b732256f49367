"""A quick judge of trees by ``schemas/policy.schema.json``: yes or no.

Importing jsonschema takes longer than compiling a small policy. So this gate interprets the keywords that
our schema uses, and jsonschema (``schema_errors``) is asked only after the gate has said no.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache

from polc.policy.nodes import Mapping, Node, Scalar, Sequence
from polc.resources import read_resource

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Check = Callable[[Node], bool]

SCHEMA = "policy.schema.json"
_ANNOTATIONS = frozenset({"$schema", "$defs", "$id", "title", "description", "examples", "default"})


class UnsupportedSchema(Exception):
    """The schema holds a keyword that the gate does not interpret: going on would let wrong trees pass."""


def load_schema() -> Json:
    schema: Json = json.loads(read_resource("schemas", SCHEMA))
    return schema


@cache
def policy_gate() -> Check:
    """The gate of the policy schema."""
    return compile_gate(load_schema())


@cache
def part_gate(pointer: str) -> Check:
    """The gate of a part of the policy schema, by its JSON pointer such as ``#/$defs/rule``."""
    schema = load_schema()
    return _Compiler(schema).compile({"$ref": pointer})


def compile_gate(schema: Json) -> Check:
    """A function that says whether a tree is valid (JSON Schema 2020-12, as far as its keywords are known).

    Raises:
        UnsupportedSchema: a keyword or reference is not known.
    """
    return _Compiler(schema).compile(schema)


class _Compiler:
    def __init__(self, root: Json) -> None:
        self.root = root
        self.references: dict[str, Check] = {}

    def compile(self, schema: Json) -> Check:
        if isinstance(schema, bool):
            verdict = schema
            return lambda node: verdict
        if not isinstance(schema, dict):
            raise UnsupportedSchema(schema)
        checks: list[Check] = []
        for keyword, value in schema.items():
            if keyword in _ANNOTATIONS or keyword in ("properties", "additionalProperties"):
                continue
            if keyword == "$ref":
                checks.append(self.reference(value))
            elif keyword in ("items", "propertyNames"):
                checks.append(_EACH[keyword](self.compile(value)))
            elif keyword == "anyOf" and isinstance(value, list):
                checks.append(_any_of([self.compile(one) for one in value]))
            elif keyword in _KEYWORDS:
                checks.append(_KEYWORDS[keyword](value))
            else:
                raise UnsupportedSchema(keyword)
        if "properties" in schema or "additionalProperties" in schema:
            checks.append(self.properties(schema.get("properties", {}), schema.get("additionalProperties", True)))
        if len(checks) == 1:
            return checks[0]
        return lambda node: all(check(node) for check in checks)

    def reference(self, name: Json) -> Check:
        """Compiled when it is first met by a node, so that a schema may refer to itself."""
        if not isinstance(name, str) or not name.startswith("#/"):
            raise UnsupportedSchema(name)
        key = name

        def check(node: Node) -> bool:
            if key not in self.references:
                self.references[key] = self.compile(self.find(key))
            return self.references[key](node)

        self.find(key)
        return check

    def find(self, name: str) -> Json:
        at = self.root
        for part in name[2:].split("/"):
            if not isinstance(at, dict) or part not in at:
                raise UnsupportedSchema(name)
            at = at[part]
        return at

    def properties(self, properties: Json, additional: Json) -> Check:
        if not isinstance(properties, dict):
            raise UnsupportedSchema(properties)
        known = {name: self.compile(schema) for name, schema in properties.items()}
        other = self.compile(additional)

        def check(node: Node) -> bool:
            return not isinstance(node, Mapping) or all(
                known.get(name, other)(entry.value) for name, entry in node.entries.items()
            )

        return check


def _number(node: Node) -> int | float | None:
    if isinstance(node, Scalar) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return node.value
    return None


def _is_integer(node: Node) -> bool:
    # JSON Schema's integer is a matter of value: 1.0 is one (2020-12 core, section 4.2.3).
    return (
        isinstance(node, Scalar)
        and not isinstance(node.value, bool)
        and (isinstance(node.value, int) or (isinstance(node.value, float) and node.value.is_integer()))
    )


_TYPES: dict[str, Check] = {
    "object": lambda node: isinstance(node, Mapping),
    "array": lambda node: isinstance(node, Sequence),
    "string": lambda node: isinstance(node, Scalar) and isinstance(node.value, str),
    "boolean": lambda node: isinstance(node, Scalar) and isinstance(node.value, bool),
    "null": lambda node: isinstance(node, Scalar) and node.value is None,
    "integer": _is_integer,
    "number": lambda node: _number(node) is not None,
}


def _type(name: Json) -> Check:
    if not isinstance(name, str):
        raise UnsupportedSchema(name)
    return _TYPES[name]


def _equals(node: Node, constant: Json) -> bool:
    return (
        isinstance(node, Scalar)
        and isinstance(node.value, bool) == isinstance(constant, bool)
        and node.value == constant
    )


def _const(constant: Json) -> Check:
    if isinstance(constant, list | dict):
        raise UnsupportedSchema(constant)
    return lambda node: _equals(node, constant)


def _enum(values: Json) -> Check:
    if not isinstance(values, list):
        raise UnsupportedSchema(values)
    checks = [_const(value) for value in values]
    return _any_of(checks)


def _required(names: Json) -> Check:
    if not isinstance(names, list):
        raise UnsupportedSchema(names)
    wanted = names
    return lambda node: not isinstance(node, Mapping) or all(name in node.entries for name in wanted)


def _pattern(pattern: Json) -> Check:
    if not isinstance(pattern, str):
        raise UnsupportedSchema(pattern)
    search = re.compile(pattern).search
    return lambda node: not (isinstance(node, Scalar) and isinstance(node.value, str)) or search(node.value) is not None


def _bound(number: Json) -> int | float:
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise UnsupportedSchema(number)
    return number


def _minimum(number: Json) -> Check:
    low = _bound(number)
    return lambda node: (value := _number(node)) is None or not value < low


def _maximum(number: Json) -> Check:
    high = _bound(number)
    return lambda node: (value := _number(node)) is None or not value > high


def _min_length(number: Json) -> Check:
    low = _bound(number)
    return lambda node: not (isinstance(node, Scalar) and isinstance(node.value, str)) or len(node.value) >= low


def _min_items(number: Json) -> Check:
    low = _bound(number)
    return lambda node: not isinstance(node, Sequence) or len(node.items) >= low


def _min_properties(number: Json) -> Check:
    low = _bound(number)
    return lambda node: not isinstance(node, Mapping) or len(node.entries) >= low


def _items(check: Check) -> Check:
    return lambda node: not isinstance(node, Sequence) or all(check(item) for item in node.items)


def _names(check: Check) -> Check:
    return lambda node: not isinstance(node, Mapping) or all(check(entry.key) for entry in node.entries.values())


def _any_of(checks: list[Check]) -> Check:
    return lambda node: any(check(node) for check in checks)


_EACH: dict[str, Callable[[Check], Check]] = {"items": _items, "propertyNames": _names}
_KEYWORDS: dict[str, Callable[[Json], Check]] = {
    "type": _type,
    "const": _const,
    "enum": _enum,
    "required": _required,
    "pattern": _pattern,
    "minimum": _minimum,
    "maximum": _maximum,
    "minLength": _min_length,
    "minItems": _min_items,
    "minProperties": _min_properties,
}
