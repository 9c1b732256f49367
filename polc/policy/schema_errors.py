"""Why a tree is not what the schema wants, in words: jsonschema finds the places, this module the sentences.

Imported only when something is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from polc.diagnostics import Collector
from polc.diagnostics.suggest import did_you_mean, nearest
from polc.policy.foreign_words import VERDICTS
from polc.policy.nodes import Mapping, Node, Scalar, Sequence, kind_of
from polc.policy.parser import keywords
from polc.policy.schema import Json, load_schema
from polc.policy.yaml_errors import QUOTES, in_quotes
from polc.source import Span


def explain(tree: Node, collector: Collector, schema: Json = None) -> None:
    """Record POL101 to POL108 for everything in which ``tree`` departs from the schema (None: that of policies)."""
    if schema is None:
        schema = load_schema()
    assert isinstance(schema, dict)
    validator = Draft202012Validator(schema)
    for error in validator.iter_errors(plain(tree)):
        for one in _relevant(error):
            if _telling_keys(one):
                _report_no_alternative(one, tree, collector)
            else:
                _report(one, tree, collector)


def plain(node: Node) -> Json:
    """The tree without its places."""
    match node:
        case Scalar(value):
            return value
        case Sequence(items):
            return [plain(item) for item in items]
        case Mapping(entries):
            return {name: plain(entry.value) for name, entry in entries.items()}


def _relevant(error: ValidationError) -> Iterator[ValidationError]:
    """The errors of the alternative that was meant, where a schema has several; else the error itself."""
    if error.validator != "anyOf":
        yield error
        return
    meant = min(_branches(error), key=_distance)
    if _mismatch(meant) or _telling_keys(error):
        yield error
        return
    for one in meant:
        yield from _relevant(one)


def _branches(error: ValidationError) -> list[list[ValidationError]]:
    """What is wrong with a tree by each of the alternatives."""
    branches: dict[int, list[ValidationError]] = {}
    for one in error.context or ():
        branches.setdefault(int(one.schema_path[0]), []).append(one)
    return list(branches.values())


def _telling_keys(error: ValidationError) -> list[str]:
    """Where a mapping has none of the keys that tell which alternative it is: those keys; else nothing."""
    if error.validator != "anyOf":
        return []
    keys: list[str] = []
    for branch in _branches(error):
        if _mismatch(branch):
            continue
        own = [name for one in branch for name in _missing_keys(one)]
        if not own:
            return []
        keys += own
    return list(dict.fromkeys(keys)) if len(keys) > 1 else []


def _missing_keys(error: ValidationError) -> list[str]:
    if error.validator == "required" and not error.relative_path:
        return [str(name) for name in _as_list(error.validator_value) if name not in _keys(error.instance)]
    if error.validator == "anyOf" and not error.relative_path:
        return [name for branch in _branches(error) for one in branch for name in _missing_keys(one)]
    return []


def _keys(instance: object) -> set[object]:
    return set(instance) if isinstance(instance, dict) else set()


def _report_no_alternative(error: ValidationError, tree: Node, collector: Collector) -> None:
    node, _ = _find(tree, list(error.absolute_path))
    if _is_rule_of_words(node):
        message = "in YAML, `: ` ends a key, so this rule is read as a mapping"
        collector.error("POL102", message, node.span, help=in_quotes(node.span) if _in_one_line(node) else QUOTES)
        return
    schema = error.schema if isinstance(error.schema, dict) else {}
    keys = _telling_keys(error)
    written = [str(name) for name in _keys(error.instance)]
    hints = [f"did you mean `{near}`?" for name in written if (near := nearest(name, keys))]
    shown = ", ".join(f"`{name}`" for name in keys)
    title = str(schema.get("title", "this"))
    collector.error(
        "POL103",
        f"{title} has one of the keys {shown}, and this mapping none",
        _head(node),
        help=hints[0] if hints else _type_help(node, title),
    )


def _is_rule_of_words(node: Node) -> bool:
    """Whether a mapping is a rule as a string, in which YAML found `: `."""
    if not isinstance(node, Mapping) or len(node.entries) != 1:
        return False
    (name,) = node.entries
    return " " in name and name.split()[0] in keywords()


def _in_one_line(node: Node) -> bool:
    return "\n" not in node.span.text


def _distance(errors: list[ValidationError]) -> tuple[bool, bool, int]:
    """How far a tree is from an alternative: another type, without its telling keys, then by number of errors."""
    missing = any(one.validator in ("required", "anyOf") and not one.path for one in errors)
    return _mismatch(errors), missing, len(errors)


def _mismatch(errors: list[ValidationError]) -> bool:
    """Whether the tree is of another type than all that an alternative, or each of its own, wants."""
    here = [one for one in errors if not one.relative_path]
    return any(
        one.validator == "type" or (one.validator == "anyOf" and all(map(_mismatch, _branches(one)))) for one in here
    )


def _report(error: ValidationError, tree: Node, collector: Collector) -> None:
    node, span = _find(tree, list(error.absolute_path))
    value = _as_list(error.validator_value)
    schema = error.schema if isinstance(error.schema, dict) else {}
    title = str(schema.get("title", "something else"))
    match error.validator:
        case "additionalProperties":
            _unknown_keys(node, schema, collector)
        case "required":
            for name in value:
                if isinstance(node, Mapping) and (name in node.entries or _slipped(str(name), node, schema)):
                    continue
                collector.error("POL103", f"the key `{name}` is missing", _head(node), help=_missing_help(str(name)))
        case "type" | "anyOf":
            message = f"expected {title}, found {kind_of(node)}"
            collector.error("POL102", message, span, help=_type_help(node, title))
        case "enum":
            words = [str(one) for one in value]
            shown = f"`{node.text}`" if isinstance(node, Scalar) and node.value is not None else kind_of(node)
            hint = did_you_mean(node.text, words) if isinstance(node, Scalar) else ""
            if not hint and isinstance(node, Scalar) and VERDICTS.get(node.text) in words:
                hint = f"did you mean `{VERDICTS[node.text]}`?"
            collector.error("POL104", f"expected {title}, found {shown}", span, help=hint)
        case "const" if schema.get("const") is True:
            collector.error("POL104", f"expected {title}, found `{span.text}`", span, help="or leave the key out")
        case "const":
            version = schema.get("const")
            key = error.absolute_path[-1]
            what = "the policy language" if key == "polc" else "inventories"
            message = f"this polc reads version {version} of {what}"
            collector.error("POL107", message, span, help=f"write `{key}: {version}`")
        case "pattern":
            # An error of `propertyNames` has the mapping's path, and the name as its instance.
            if isinstance(node, Mapping):
                span = node.entries[str(error.instance)].key.span
            shape = "letters, digits, `_`, `-` and `.`" if title in _DOTTED else "letters, digits, `_` and `-`"
            collector.error("POL105", f"`{error.instance}` is not {title}: it takes {shape}, at most 63", span)
        case "minProperties" if isinstance(node, Mapping) and node.entries:
            collector.error("POL103", f"expected {title}, and here is `{', '.join(node.entries)}` alone", _head(node))
        case "minItems" | "minLength" | "minProperties":
            collector.error("POL106", f"expected {title}, found nothing in it", span)
        case _:
            low, high = schema.get("minimum"), schema.get("maximum")
            collector.error("POL108", f"`{error.instance}` is out of range: {title} is {low} to {high}", span)


def _slipped(name: str, node: Mapping, schema: dict[str, Json]) -> bool:
    """Whether an unknown key is near this one: that is told, with what was meant, and is one mistake."""
    known = _keys(schema.get("properties"))
    return any(nearest(one, [name]) for one in node.entries if one not in known)


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _find(tree: Node, path: list[str | int]) -> tuple[Node, Span]:
    """The node at a path; its span, or its key's where the node itself is empty and so has no text."""
    node, span = tree, tree.span
    for step in path:
        if isinstance(node, Mapping) and isinstance(step, str):
            entry = node.entries[step]
            node, span = entry.value, entry.key.span if entry.value.span.text == "" else entry.value.span
        elif isinstance(node, Sequence) and isinstance(step, int):
            node = node.items[step]
            span = node.span
    return node, span


def _head(node: Node) -> Span:
    """The first key of a mapping: underlining all its lines says nothing."""
    if isinstance(node, Mapping) and node.entries:
        return next(iter(node.entries.values())).key.span
    return node.span


def _unknown_keys(node: Node, schema: dict[str, Json], collector: Collector) -> None:
    properties = schema.get("properties")
    known = list(properties) if isinstance(properties, dict) else []
    for name, entry in node.entries.items() if isinstance(node, Mapping) else ():
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean `{near}`?" if near else f"the keys here are {', '.join(f'`{one}`' for one in known)}"
            collector.error("POL101", f"unknown key `{name}`", entry.key.span, help=hint)


_DOTTED = ("an id", "a host's name")
_VERSIONS = {
    "polc": "a policy begins with `polc: 1`, the version of its language",
    "polc-inventory": "an inventory begins with `polc-inventory: 1`, the version of its language",
}


def _missing_help(name: str) -> str:
    return _VERSIONS.get(name, "")


_OF_NUMBERS = {
    **dict.fromkeys(("a service", "a service definition", "a service or a list of services"), "tcp/{}"),
    "ports or a list of ports": "tcp/{}",
    **dict.fromkeys(("a rate", "a rate of lines"), "{}/minute"),
    "a time": "{}s",
}
"""Titles of what is often written as a bare number -> how it is written, where in quotes it would be wrong again."""


def _type_help(node: Node, title: str) -> str:
    if isinstance(node, Scalar) and node.value is not None and not isinstance(node.value, str):
        if title in _OF_NUMBERS and isinstance(node.value, int) and not isinstance(node.value, bool):
            return f"write `{_OF_NUMBERS[title].format(node.value)}`"
        return f'if it is meant as text, write it in quotes: `"{node.span.text}"`'
    if isinstance(node, Mapping) and len(node.entries) == 1 and "rule" in title:
        return "a text that holds `: ` must stand in quotes, or YAML makes a mapping of it"
    return ""
