"""The parser: words to a tree, driven by the tables that Lark made of a grammar.

The automaton is run here and not by Lark, because importing Lark costs more than a policy of ten rules;
a test holds the two to the same trees and the same refusals. Tokens and trees are named tuples because a large
policy makes millions, and those are made three times as fast as frozen dataclasses.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property, lru_cache, partial
from typing import NamedTuple

from polc.parsing.tables import END, Tables, load_tables

DEEPEST = 100
"""Levels of a tree: each `not` and each pair of brackets with an `and` or `or` in it is one."""

UNCLOSED, OTHER = "UNCLOSED", "OTHER"
"""Kinds of text that no word of the language can be: a quote without its end, and anything else."""


class Token(NamedTuple):
    """A word and where it is: ``start`` up to ``end`` in the text that was parsed."""

    kind: str
    text: str
    start: int
    end: int


class Tree(NamedTuple):
    """What a rule of the grammar matched. Keywords and commas leave no child, but count for start and end."""

    name: str
    children: tuple[Tree | Token, ...]
    start: int
    end: int


class Unexpected(Exception):
    """``token`` cannot stand there; ``expected`` are the kinds that can, ``before`` are the tokens before it."""

    def __init__(self, token: Token, expected: frozenset[str], before: tuple[Token, ...]) -> None:
        super().__init__(token.text)
        self.token = token
        self.expected = expected
        self.before = before


class TooDeep(Exception):
    """A condition is nested so deep that nobody can have written it, and nothing behind the parser could walk it."""


class _Shape(NamedTuple):
    """A tree of which the tokens are only known by their numbers: large policies repeat a few shapes of rules."""

    name: str
    children: tuple[_Shape | int, ...]
    first: int
    last: int
    depth: int


class _Stuck(Exception):
    def __init__(self, at: int, expected: frozenset[str]) -> None:
        super().__init__(at)
        self.at = at
        self.expected = expected


class Parser:
    """Reads texts by ``grammar/NAME.lark``; nothing is loaded before the first."""

    def __init__(self, name: str) -> None:
        self.name = name

    @cached_property
    def tables(self) -> Tables:
        return load_tables(self.name)

    @cached_property
    def keywords(self) -> frozenset[str]:
        """Words of the grammar."""
        return frozenset(self.tables.keywords)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        tables = self.tables
        ignored = "|".join(f"(?:{pattern})" for name, pattern in tables.patterns if name in tables.ignored)
        parts = [(name, pattern) for name, pattern in tables.patterns if name not in tables.ignored]
        parts += [(UNCLOSED, '".*'), (OTHER, r'[^\s,"]+')]
        words = "|".join(f"(?P<{name}>{pattern})" for name, pattern in parts)
        # Possessive: what is ignored is never taken apart again when no word follows.
        return re.compile(f"(?:{ignored})*+(?:{words})", re.DOTALL)

    @cached_property
    def _shape(self) -> Callable[[tuple[str, ...], str], _Shape]:
        return lru_cache(maxsize=4096)(partial(_shape, self.tables))

    def tokens(self, text: str) -> list[Token]:
        """The words of a text, the last one an empty END."""
        words = self.tables.keywords
        made = []
        for found in self._pattern.finditer(text):
            kind = found.lastgroup or OTHER
            start, end = found.span(kind)
            word = text[start:end]
            made.append(Token(words.get(word, kind) if kind == "NAME" else kind, word, start, end))
        end = len(text.rstrip())
        made.append(Token(END, "", end, end))
        return made

    def parse(self, text: str, start: str) -> Tree:
        """Parse a text as ``start``, one of those that the grammar names.

        Raises:
            Unexpected: at the first word that cannot stand where it does.
            TooDeep: the tree would have more than ``DEEPEST`` levels.
        """
        words = tuple(self.tokens(text))
        try:
            shape = self._shape(tuple([token.kind for token in words]), start)
        except _Stuck as stuck:
            raise Unexpected(words[stuck.at], stuck.expected, words[: stuck.at]) from None
        return _fill(shape, words)


def _fill(shape: _Shape, words: tuple[Token, ...]) -> Tree:
    children = tuple([words[one] if isinstance(one, int) else _fill(one, words) for one in shape.children])
    return Tree(shape.name, children, words[shape.first].start, words[shape.last].end)


def _shape(tables: Tables, kinds: tuple[str, ...], start: str) -> _Shape:
    last = tables.ends[start]
    states = [tables.starts[start]]
    # One entry a symbol on the stack: its children (one for a kept symbol, several for an inlined one) and its place.
    values: list[tuple[tuple[_Shape | int, ...], int, int]] = []
    for at, kind in enumerate(kinds):
        # The end is never shifted: the automaton is through when it has reduced everything to `start`.
        while kind != END or states[-1] != last:
            action = tables.actions[states[-1]].get(kind)
            if action is None:
                raise _Stuck(at, _expected(states, last, tables))
            if action >= 0:
                states.append(action)
                values.append(((at,), at, at))
                break
            production = tables.productions[~action]
            size = len(production.kept)
            popped = values[-size:]
            del values[-size:], states[-size:]
            children = tuple(
                child for (parts, _, _), kept in zip(popped, production.kept, strict=True) if kept for child in parts
            )
            begin, end = popped[0][1], popped[-1][2]
            if not production.origin.startswith("_"):
                depth = 1 + max((one.depth for one in children if isinstance(one, _Shape)), default=0)
                if depth > DEEPEST:
                    raise TooDeep
                children = (_Shape(production.origin, children, begin, end, depth),)
            values.append((children, begin, end))
            states.append(tables.gotos[states[-1]][production.origin])
    shape = values[0][0][0]
    assert isinstance(shape, _Shape)
    return shape


def _expected(states: list[int], last: int, tables: Tables) -> frozenset[str]:
    """The kinds of token with which the parse could go on; that a state has an action for one is not enough."""
    return frozenset(kind for kind in tables.actions[states[-1]] if _accepts(states, last, kind, tables))


def _accepts(states: list[int], last: int, kind: str, tables: Tables) -> bool:
    stack = list(states)
    while kind != END or stack[-1] != last:
        action = tables.actions[stack[-1]].get(kind)
        if action is None:
            return False
        if action >= 0:
            return True
        production = tables.productions[~action]
        del stack[len(stack) - len(production.kept) :]
        stack.append(tables.gotos[stack[-1]][production.origin])
    return True
