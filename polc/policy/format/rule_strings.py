"""Rule strings in canonical form: one space between words, the clauses in one order."""

from __future__ import annotations

from collections.abc import Iterator

from polc.policy.parser import Token, Tree, parse, tokens

CLAUSES = ("sport", "source", "destination", "state", "where", "connections", "hits", "over", "limit", "quota",
            "recent", "nth", "probability",
            "target", "random", "fully_random", "persistent", "ban", "mark", "assign", "dscp", "mss", "strip",
            "notrack", "synproxy", "dup", "offload", "trace", "log", "tally", "counter", "helper",
            "comment")  # fmt: skip
"""As a person reads a rule: what it is about, where from and to, in which state, how often, and what it notes."""
_STATES = ("new", "established", "related", "invalid", "untracked")
_RATE = ("burst", "per")
_LOG = ("level", "group", "snaplen", "threshold", "flags", "pace")
_SYNPROXY = ("announced", "wscale", "timestamp", "sack_perm")
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
    clauses.sort(key=lambda one: CLAUSES.index(one.name))
    return " ".join(_render(one, words) for one in (head, *service, *clauses))


def _render(node: Tree | Token, words: tuple[Token, ...]) -> str:
    if isinstance(node, Token):
        return node.text
    if node.name in _OPTIONS:
        return _with_options(node, words)
    nested = next((child for child in node.children if isinstance(child, Tree) and child.name == "rate"), None)
    if nested is not None:
        return f"{node.name} {_render(nested, words)}"
    inside = _inside(node, words)
    if node.name == "where":
        return "".join(_condition(inside))
    if node.name == "state":
        named_states = sorted((word.text for word in inside if word.kind == "NAME"), key=_state_place)
        return f"state {','.join(named_states)}"
    if any(word.kind == "SET_OPEN" for word in inside):
        return "".join(_mapped(inside))
    return "".join(_spaced(inside, node.name in _TIGHT, node.name == "service"))


_OPTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "rate": ("", _RATE),
    "log": ("log ", _LOG),
    "lookup": ("", ("unless", "verb", "listed", "within_time", "hitcount", "per", "flags")),
    "synproxy": ("synproxy ", _SYNPROXY),
}
"""Tree -> the word that it begins with, and the order of its parts, which have none when they are written."""


def _with_options(node: Tree, words: tuple[Token, ...]) -> str:
    begin, order = _OPTIONS[node.name]
    own = [one for one in node.children if isinstance(one, Token)]
    named = sorted((one for one in node.children if isinstance(one, Tree)), key=lambda one: order.index(one.name))
    return begin + " ".join((*(one.text for one in own), *(_render(one, words) for one in named)))


def _inside(node: Tree, words: tuple[Token, ...]) -> list[Token]:
    return [word for word in words if node.start <= word.start and word.end <= node.end and word.text]


def _condition(words: list[Token]) -> Iterator[str]:
    """Brackets close to what they hold, `|` to both sides, a space after commas and around everything else."""
    for number, word in enumerate(words):
        before = words[number - 1].text if number else ""
        if number and not (word.text in (")", "}", ",", "|") or before in ("(", "{", "|")):
            yield " "
        yield _one_space(word)


def _mapped(words: list[Token]) -> Iterator[str]:
    """Braces close to what they hold, and a colon close to the value before it, but for an IPv6 address."""
    for number, word in enumerate(words):
        before = words[number - 1] if number else None
        joined = word.text in ("}", ",") or (word.kind == "_COLON" and before and ":" not in before.text)
        if before and before.text != "{" and not joined:
            yield " "
        yield _one_space(word)


def _one_space(word: Token) -> str:
    return " ".join(word.text.split()) if word.kind == "FIELD" else word.text


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
        yield _one_space(word)
