"""Syntax errors in `vmap` and `map` as a person would put them. Imported only when there is one."""

from __future__ import annotations

from polc.parsing.tables import END
from polc.policy.foreign_words import VERDICTS
from polc.policy.parser import UNCLOSED, Token, Unexpected

_OUTCOMES = "`accept`, `drop`, `return`, `jump NAME` or `goto NAME`"


def explain_map(error: Unexpected, start: str) -> tuple[str, str] | None:
    """Message and help for what is wrong in a map; None where something else is."""
    token, before = error.token, error.before
    if token.kind == UNCLOSED:
        return None
    if token.kind == "_COLON" and not _of_map(before):
        return f"`:` cannot follow `{before[-1].text}`" if before else "`:` begins nothing", (
            "a colon with white space behind it stands in maps alone"
        )
    if not before or not (_of_map(before) or start in ("key", "place", "outcome")):
        return None
    last = before[-1]
    found = "" if token.kind == END else f", found `{token.text}`"
    if last.kind == "_DOT":
        return f"something is missing after ` . `{found}", "it joins two parts, as in `saddr . tcp dport`"
    if last.kind == "SET_OPEN":
        return f"a map has elements{found}", "a value and where it leads, as in `{22: accept, 80: jump web}`"
    if last.kind == "_COLON" and "ACCEPT" not in error.expected:
        return f"a value of a map leads to a new address, port or mark here{found}", "as in `{80: 192.0.2.10:8080}`"
    if "_COLON" in error.expected:
        return f"`{last.text}` needs a colon, and where it leads{found}", _colon(last)
    if {"ACCEPT", "GOTO"} <= error.expected:
        near = VERDICTS.get(token.text)
        hint = (
            f"did you mean `{near}`?" if near == "accept" or near == "drop" else f"what can stand there is {_OUTCOMES}"
        )
        return f"a value of a map leads to a verdict{found}", (
            f"{hint}; for `reject` and others, jump to a chain with such a rule" if token.text == "reject" else hint
        )
    if "SET_OPEN" in error.expected:
        return f"`{last.text}` needs values in braces{found}", "as in `vmap tcp dport {22: accept, 80: jump web}`"
    if "SET_CLOSE" in error.expected and token.kind == END:
        return "this map has no end", "a `}` is missing"
    if "SET_CLOSE" in error.expected:
        return f"between the elements of a map stands a comma{found}", ""
    return None


def _of_map(before: tuple[Token, ...]) -> bool:
    """Whether the words end within a map."""
    for token in reversed(before):
        if token.kind == "SET_CLOSE":
            return False
        if token.kind in ("VMAP", "MAP"):
            return True
    return False


def _colon(last: Token) -> str:
    value, colon, rest = last.text.rpartition(":")
    if not colon:
        return f"as in `{last.text}: accept`"
    if not rest:
        return f"behind an IPv6 address the colon has white space on both sides: `{value} : drop`"
    return f"white space follows the colon: `{value}: {rest}`"
