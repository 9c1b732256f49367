"""Words in the mappings of a policy, as clauses and definitions take them.

The schema has been kept already: types are right and required keys are there.
"""

from __future__ import annotations

from collections.abc import Iterator

from polc.diagnostics import Failure
from polc.policy.document import Word
from polc.policy.nodes import Mapping, Node, Scalar, Sequence


def word(node: Node) -> Word:
    assert isinstance(node, Scalar)
    # 5.0 is an integer to JSON Schema, so it is 5 here.
    value = int(node.value) if isinstance(node.value, float) else node.value
    return Word(str(value), node.span)


def word_at(node: Mapping, key: str) -> Word | None:
    value = node.get(key)
    return None if value is None else word(value)


def required(node: Mapping, key: str) -> Word:
    value = node.get(key)
    assert value is not None
    return word(value)


def is_true(node: Node | None) -> bool:
    return isinstance(node, Scalar) and node.value is True


def texts(node: Node) -> Iterator[Scalar]:
    """A text, or those of a list."""
    for one in node.items if isinstance(node, Sequence) else (node,):
        assert isinstance(one, Scalar)
        yield one


def words(node: Node) -> tuple[Word, ...]:
    """The words of a text or list of texts, each of which may hold several with commas between.

    Raises:
        Failure: POL112 for a place between commas with nothing in it.
    """
    return tuple(found for one in texts(node) for found in _split(one))


def _split(text: Scalar) -> Iterator[Word]:
    if not isinstance(text.value, str):
        yield word(text)
        return
    start = 0
    for part in text.value.split(","):
        found = part.strip()
        at = start + part.find(found)
        if not found:
            raise Failure.of("POL112", "a word is missing here", text.place(start, start + len(part)))
        yield Word(found, text.place(at, at + len(found)))
        start += len(part) + 1


def words_at(node: Mapping, key: str) -> tuple[Word, ...]:
    value = node.get(key)
    return () if value is None else words(value)


def one_of(node: Mapping, *keys: str) -> str:
    """The one of ``keys`` that is there; the schema asks for one at least."""
    first, *more = (key for key in keys if key in node.entries)
    if more:
        message = f"either `{first}` or `{more[0]}`, not both"
        raise Failure.of("POL112", message, node.entries[more[0]].key.span)
    return first
