"""Where a YAML text has its comments: between two of PyYAML's tokens there is white space, comments, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Protocol

import yaml
from yaml.tokens import ScalarToken, Token

from polc.source import SourceFile, Span

_COMMENT = re.compile(r"#[^\n]*")
_COMMENT_LINE = re.compile(r"^[ \t]*(#[^\n]*)", re.MULTILINE)


class _Scanner(Protocol):
    def check_token(self) -> bool: ...
    def get_token(self) -> Token | None: ...


def tokens(text: str) -> Iterator[Token]:
    """Raises:
    yaml.YAMLError: the text is not YAML.
    """
    scanner: _Scanner = (yaml.CLoader if yaml.__with_libyaml__ else yaml.Loader)(text)
    while scanner.check_token():
        token = scanner.get_token()
        assert token is not None
        yield token


def between(text: str, found: Iterable[Token]) -> Iterator[tuple[int, int]]:
    """Start and end of what is no token."""
    end = 0
    for token in found:
        start = token.start_mark.index
        if start > end:
            yield end, start
        end = max(end, token.end_mark.index)
        if isinstance(token, ScalarToken) and token.style in ("|", ">"):
            # The token begins with its indicator, and a comment can follow that on its line.
            yield start, start + len(text[start:end].partition("\n")[0])
    yield end, len(text)


def comments(source: SourceFile) -> Iterator[Span]:
    """The comments of a policy's text, in their order. JSON has none; nor has what cannot be read to its end."""
    if source.path.endswith(".json"):
        return
    try:
        gaps = list(between(source.text, tokens(source.text)))
    except yaml.YAMLError:
        return
    for start, end in gaps:
        for one in _COMMENT.finditer(source.text, start, end):
            yield source.span(one.start(), one.start() + len(one.group().rstrip()))


def comment_lines(source: SourceFile) -> Iterator[Span]:
    """The lines that are comments, of a text in which a ``#`` at its beginning makes a line one."""
    for one in _COMMENT_LINE.finditer(source.text):
        yield source.span(one.start(1), one.start(1) + len(one.group(1).rstrip()))
