"""A policy's text to its canonical form, which means the same: that is looked at before anybody gets it."""

from __future__ import annotations

import json
from collections import Counter

from polc.diagnostics import Collector, Failure
from polc.ir.ruleset import Ruleset
from polc.policy.format.order import Place, child_place, rank
from polc.policy.format.printer import print_text
from polc.policy.format.rule_strings import canonical_rule
from polc.policy.format.tree import read_text
from polc.policy.library import read_tree
from polc.policy.nodes import Mapping, Node, Scalar, Sequence
from polc.policy.read import inspect_source
from polc.source import SourceFile


def canonical_text(source: SourceFile) -> str:
    """The canonical form of a policy file's text.

    Raises:
        Failure: the policy has errors, or POL052: it holds what cannot be formatted.
    """
    before = _meaning(source)
    text = _json(source) if _is_json(source) else print_text(read_text(source))
    after = SourceFile(source.path, text)
    if _comments(source) != _comments(after) or _meaning(after) != before:
        raise Failure.of(
            "POL052", "the canonical form of this policy would not mean the same", source.whole(),
            help="the file is as it was; please report this, with the policy",
        )  # fmt: skip
    return text


def _meaning(source: SourceFile) -> tuple[Ruleset, list[tuple[str, str]]]:
    """The ruleset, and of each rule the name and comment, which stand outside its equality."""
    ruleset = inspect_source(source, Collector()).ruleset
    return ruleset, [(rule.origin.name, rule.origin.comment) for chain in ruleset.chains for rule in chain.rules]


def _comments(source: SourceFile) -> Counter[str]:
    if _is_json(source):
        return Counter()
    text = read_text(source)
    found = Counter(one for one in (*text.head, *text.tail) if one)
    stack = [text.root]
    while stack:
        node = stack.pop()
        for line in getattr(node, "lines", ()):
            found.update(one for one in (*line.above, line.beside, *line.below) if one)
            stack.append(line.value)
    return found


def _is_json(source: SourceFile) -> bool:
    if source.path.endswith(".json"):
        return True
    try:
        json.loads(source.text)
    except ValueError:
        return False
    return source.text.lstrip().startswith("{")


def _json(source: SourceFile) -> str:
    return json.dumps(_plain(read_tree(source), Place.POLICY), indent=2, ensure_ascii=False) + "\n"


def _plain(node: Node, place: Place) -> object:
    match node:
        case Mapping(entries):
            names = sorted(entries, key=lambda name: rank(place, name))
            return {name: _plain(entries[name].value, child_place(place, name)) for name in names}
        case Sequence(items):
            return [_plain(item, child_place(place, None)) for item in items]
        case Scalar(value=str() as text):
            return canonical_rule(text) if place is Place.RULE else text
        case Scalar(value):
            return value
