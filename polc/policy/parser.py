"""The parser of rules: ``grammar/rule.lark``."""

from __future__ import annotations

from polc.parsing.parser import DEEPEST, UNCLOSED, Parser, Token, TooDeep, Tree, Unexpected
from polc.parsing.tables import END

__all__ = [
    "DEEPEST", "END", "FIELD_WORDS", "RULE", "UNCLOSED", "Token", "TooDeep", "Tree", "Unexpected",
    "keywords", "parse", "reserved", "tokens",
]  # fmt: skip

RULE = Parser("rule")
tokens, parse = RULE.tokens, RULE.parse

FIELD_WORDS = frozenset({"ct", "ether", "fib", "ip", "ip6", "meta", "osf", "rpfilter", "tcp"})
"""What fields of `where` begin with: in `from ct mark set 1` the lexer takes `ct mark` for one word."""


def keywords() -> frozenset[str]:
    """Words of the grammar."""
    return RULE.keywords


def reserved() -> frozenset[str]:
    """Words which no zone, service or other thing can have as its name."""
    return keywords() | FIELD_WORDS
