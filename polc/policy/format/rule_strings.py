"""Rule strings in canonical form: one space between words, the clauses in one order."""

from __future__ import annotations

from collections.abc import Iterator

from polc.policy.parser import Token, Tree, parse, tokens

_CLAUSES = ("sport", "source", "destination", "state", "hits", "over", "limit", "log", "tally", "counter", "helper",
            "comment")  # fmt: skip
"""As a person reads a rule: what it is about, where from and to, in which state, how often, and what it notes."""
_STATES = ("new", "established", "related", "invalid", "untracked")
_RATE = ("burst", "per")
_TIGHT = ("sport", "state", "per")
"""Trees whose lists have no space after a comma; so has a service where a number goes on with its protocol."""


def canonical_rule(text: str) -> str:
    """A rule as it should be written.

    Raises:
        polc.policy.parser.Unexpected: it is none.
    """
    words = tuple(tokens(text))
    head, *rest = parse(text, "rule").children
    service = [one for one in rest if isinstance(one, Tree) and one.name == "service"]
    clauses = [one for one in rest if isinstance(one, Tree) and one.name != "service"]
    # Sorting is stable: a clause that is there twice stays an error of the same place.
    clauses.sort(key=lambda one: _CLAUSES.index(one.name))
    return " ".join(_render(one, words) for one in (head, *service, *clauses))


def _render(node: Tree | Token, words: tuple[Token, ...]) -> str:
    if isinstance(node, Token):
        return node.text
    if node.name == "rate":
        first, *options = node.children
        named = [one for one in options if isinstance(one, Tree)]
        named.sort(key=lambda one: _RATE.index(one.name))
        return " ".join(_render(one, words) for one in (first, *named))
    nested = next((child for child in node.children if isinstance(child, Tree) and child.name == "rate"), None)
    if nested is not None:
        return f"{node.name} {_render(nested, words)}"
    inside = [word for word in words if node.start <= word.start and word.end <= node.end and word.text]
    if node.name == "state":
        named_states = sorted((word.text for word in inside if word.kind == "NAME"), key=_state_place)
        return f"state {','.join(named_states)}"
    return "".join(_spaced(inside, node.name in _TIGHT, node.name == "service"))


def _state_place(state: str) -> int:
    return _STATES.index(state) if state in _STATES else len(_STATES)


def _spaced(words: list[Token], tight: bool, service: bool) -> Iterator[str]:
    per = False
    for number, word in enumerate(words):
        before = words[number - 1] if number else None
        per |= word.text == "per"
        if before is not None and word.text != ",":
            joined = before.text == "," and (tight or per or (service and word.kind == "VALUE"))
            yield "" if joined else " "
        yield word.text
