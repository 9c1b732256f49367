"""What stands after ``where`` to a document."""

from __future__ import annotations

import re

from polc.diagnostics import Failure
from polc.policy.clause_text import unquote, words
from polc.policy.document import AllOf, AnyOf, Comparison, Having, Not, Test, Word
from polc.policy.nodes import Scalar
from polc.policy.parser import Token, Tree


def test(tree: Tree, text: Scalar) -> Test:
    """An expression of the grammar.

    Raises:
        Failure: POL112 for a `/` without white space after it.
    """
    match tree.name:
        case "either":
            return AnyOf(tuple(test(one, text) for one in tree.children if isinstance(one, Tree)))
        case "both":
            return AllOf(tuple(test(one, text) for one in tree.children if isinstance(one, Tree)))
        case "negation":
            (child,) = tree.children
            assert isinstance(child, Tree)
            return Not(test(child, text))
        case "trait":
            return Having(words(tree, text)[0])
        case _:
            return _comparison(tree, text)


def _comparison(tree: Tree, text: Scalar) -> Comparison:
    (field,) = words(tree, text)
    # nft's names have one space between their words.
    field = Word(re.sub(r"\s+", " ", field.text), field.span)
    operator = Word("", field.span)
    bits: tuple[Word, ...] = ()
    parts = [one for one in tree.children if isinstance(one, Tree)]
    if parts[0].name == "masked":
        first, *parts = (one for one in parts[0].children if isinstance(one, Tree))
        bits = _values(first, text)
    if parts[0].name == "operator":
        operator = words(parts[0], text)[0]
    elif parts[0].name == "within":
        operator = Word("in", text.place(parts[0].start, parts[0].end))
    values, mask = _operand(parts[-1], text)
    return Comparison(field, operator, values, bits, mask)


def _operand(tree: Tree, text: Scalar) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """``a, b`` and ``a, b / c, d``."""
    found = [one for one in tree.children if isinstance(one, Token)]
    slash = next((index for index, one in enumerate(found) if one.kind == "LENGTH"), None)
    if slash is None:
        return _values(tree, text), ()
    between = found[slash]
    if between.text != "/":
        message = "between values and their mask stands `/` with white space around it"
        raise Failure.of("POL112", message, text.place(between.start, between.end))
    whole = _values(tree, text)
    return whole[:slash], whole[slash + 1 :]


def _values(tree: Tree, text: Scalar) -> tuple[Word, ...]:
    return tuple(
        Word(unquote(one) if one.kind == "STRING" else one.text, text.place(one.start, one.end))
        for one in tree.children
        if isinstance(one, Token)
    )
