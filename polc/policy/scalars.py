"""Scalars by the core schema of YAML 1.2 (section 10.3.2): no base 60, no `yes` and `no`."""

from __future__ import annotations

import re

from polc.policy.nodes import Value

LONGEST_NUMBER = 400
"""Digits of the longest number that is read: more is no number that a policy can mean, and costs quadratic time."""

_CONSTANTS: dict[str, Value] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)


def resolve(text: str) -> Value:
    """The value of a plain scalar.

    Raises:
        ValueError: a number of more than ``LONGEST_NUMBER`` digits.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    # Nearly all scalars of a policy are words: one look at the first character spares them the patterns.
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        return integer(text)
    if _FLOAT.fullmatch(text):
        return number(text)
    return text


def integer(text: str) -> int:
    """An integer of the core schema.

    Raises:
        ValueError: it is none, or too long.
    """
    if len(text) > LONGEST_NUMBER or not _INTEGER.fullmatch(text):
        raise ValueError(text)
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


def number(text: str) -> float:
    """A floating point number of the core schema; ``.inf`` and ``.nan`` are such.

    Raises:
        ValueError: it is none, or too long.
    """
    if len(text) > LONGEST_NUMBER or not _FLOAT.fullmatch(text):
        raise ValueError(text)
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
