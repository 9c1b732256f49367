"""``vmap`` and ``map`` of rule texts to documents."""

from __future__ import annotations

from polc.policy.clause_text import tokens_of, unquote, words
from polc.policy.document import Decision, Entry, Map, Selection, Verdict, Word
from polc.policy.nodes import Scalar
from polc.policy.parser import Token, Tree


def key(tree: Tree, text: Scalar) -> Selection:
    """``saddr . tcp dport``."""
    parts = []
    for one in tree.children:
        assert isinstance(one, Tree)
        said = " ".join(" ".join(token.text.split()) for token in tokens_of(one))
        parts.append(Word(said, text.place(one.start, one.end)))
    return Selection(tuple(parts), text.place(tree.start, tree.end))


def place(tree: Tree, text: Scalar) -> tuple[Word, ...]:
    """``192.0.2.1 . 22``."""
    return tuple(
        Word(unquote(one) if one.kind == "STRING" else one.text, text.place(one.start, one.end))
        for one in tokens_of(tree)
    )


def verdict(tree: Tree, text: Scalar) -> Verdict:
    """What an element of a `vmap` leads to."""
    answer = next(iter(words(tree, text)), None)
    return Verdict(Decision(tree.name), answer, text.place(tree.start, tree.end))


def read_map(tree: Tree, text: Scalar) -> Map:
    """A whole `map` or `vmap`."""
    first, *rest = (one for one in tree.children if isinstance(one, Tree))
    return Map(key(first, text), tuple(_entry(one, text) for one in rest), text.place(tree.start, tree.end))


def _entry(tree: Tree, text: Scalar) -> Entry:
    at, leads_to = tree.children
    assert isinstance(at, Tree)
    found, span = place(at, text), text.place(at.start, at.end)
    if isinstance(leads_to, Token):
        return Entry(found, span, point=Word(leads_to.text, text.place(leads_to.start, leads_to.end)))
    return Entry(found, span, verdict=verdict(leads_to, text))
